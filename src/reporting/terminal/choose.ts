import type { Detail } from './describe-event.ts';

/** Everything that decides how a run is shown. */
export interface Surroundings {
  readonly isTTY: boolean;
  readonly columns: number | undefined;
  readonly json: boolean;
  readonly noProgress: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
  /** `--no-color`. */
  readonly noColor: boolean;
  /** `monitoring.show_progress_bar`. */
  readonly showProgressBar: boolean;
  /** `CI`, `NO_COLOR`, `FORCE_COLOR` and `TERM` are looked at. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** How a run is shown. */
export interface Presentation {
  readonly kind: 'ndjson' | 'progress' | 'plain';
  readonly level: Detail;
  readonly color: boolean;
}

/** Below this a bar and a worker's line say nothing any more. */
const NARROWEST_DISPLAY = 30;

/** Chooses the display; flags win over the environment, which wins over the configuration. */
export function choosePresentation(surroundings: Surroundings): Presentation {
  const { isTTY, columns, json, noProgress, quiet, verbose, showProgressBar, env } = surroundings;
  const level = quiet ? 'quiet' : verbose ? 'verbose' : 'normal';
  if (json) return { kind: 'ndjson', level, color: false };
  const isLive =
    isTTY &&
    !quiet &&
    !noProgress &&
    showProgressBar &&
    !isSet(env['CI']) &&
    env['TERM'] !== 'dumb' &&
    (columns ?? 80) >= NARROWEST_DISPLAY;
  return { kind: isLive ? 'progress' : 'plain', level, color: chooseColor(surroundings) };
}

/** Colours by https://no-color.org, `FORCE_COLOR`, and whether a terminal reads along. */
export function chooseColor({
  isTTY,
  noColor,
  env,
}: Pick<Surroundings, 'isTTY' | 'noColor' | 'env'>): boolean {
  if (noColor || isGiven(env['NO_COLOR'])) return false;
  if (isGiven(env['FORCE_COLOR'])) return isSet(env['FORCE_COLOR']);
  return isTTY && env['TERM'] !== 'dumb';
}

function isGiven(value: string | undefined): boolean {
  return value !== undefined && value !== '';
}

function isSet(value: string | undefined): boolean {
  return isGiven(value) && value !== '0' && value?.toLowerCase() !== 'false';
}
