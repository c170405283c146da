import { neutralise } from './display-text.ts';

const NAMES: Readonly<Record<string, string>> = {
  five_hour: '5-hour',
  seven_day: 'weekly',
  overage: 'extra usage',
};

const WEEKLY = 'seven_day_';

/**
 * A window of usage limits as people call it: `5-hour`, `weekly`, `weekly Opus`; what the API calls it where nothing
 * is known of it.
 */
export function windowName(window: string): string {
  const known = Object.hasOwn(NAMES, window) ? NAMES[window] : undefined;
  if (known !== undefined) return known;
  const name = neutralise(window);
  if (!name.startsWith(WEEKLY) || name.length === WEEKLY.length) return name;
  const rest = name.slice(WEEKLY.length).replaceAll('_', ' ');
  return `weekly ${rest.charAt(0).toUpperCase()}${rest.slice(1)}`;
}
