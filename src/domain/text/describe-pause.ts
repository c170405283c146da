import type { PauseReason } from '../event.ts';
import { formatClock, formatDue } from './clock.ts';
import { displayWidth, truncate } from './display-text.ts';
import { PAUSE_WORDS } from './pauses.ts';
import { windowName } from './window-name.ts';

/**
 * A pause in one line of at most `columns` cells, as much of it as fits: `Paused: usage limit (5-hour) · goes on at
 * 14:30, in 1 h 12 min`. Times in Unix milliseconds; `window` is the API's name of the one that is exhausted.
 */
export function describePause(
  pause: { readonly reason: PauseReason; readonly until: number; readonly window: string | null },
  now: number,
  columns: number,
): string {
  const { reason, until, window } = pause;
  const why = PAUSE_WORDS[reason];
  const due = formatDue(until, now);
  const goesOn = reason === 'outage' ? `tries again at ${due}` : `goes on at ${due}`;
  const versions = [
    ...(window === null ? [] : [`Paused: ${why} (${windowName(window)}) · ${goesOn}`]),
    `Paused: ${why} · ${goesOn}`,
    `Paused until ${due}`,
    `Paused until ${formatClock(until, now)}`,
  ];
  const fitting = versions.find((version) => displayWidth(version) <= columns);
  return fitting ?? truncate(versions.at(-1) ?? '', columns);
}
