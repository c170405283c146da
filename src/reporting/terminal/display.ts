import { chooseColor, isSwitchedOn, styles } from '../../domain/text/styles.ts';
import type { ProgressSources } from '../progress/progress-model.ts';
import type { Reporter } from '../reporter.ts';
import type { Detail } from './describe-event.ts';
import { ndjsonReporter } from './ndjson.ts';
import { Output, withoutBlocking, type OutputStream } from './output.ts';
import { plainReporter } from './plain.ts';

/** Everything that decides how a run is shown. */
export interface DisplayConditions {
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
  /** The environment, of which `CI`, `NO_COLOR`, `FORCE_COLOR` and `TERM` count. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** How a run is shown. */
export interface Presentation {
  readonly kind: 'ndjson' | 'live' | 'plain';
  readonly level: Detail;
  readonly color: boolean;
}

/** A narrower terminal has no room for a bar and for a line about each worker. */
const NARROWEST_DISPLAY = 30;

/** Chooses the display. Flags win over the environment, and the environment wins over the configuration. */
export function choosePresentation(conditions: DisplayConditions): Presentation {
  const { isTTY, columns, json, noProgress, quiet, verbose, showProgressBar, env } = conditions;
  const level = quiet ? 'quiet' : verbose ? 'verbose' : 'normal';
  if (json) return { kind: 'ndjson', level, color: false };
  const isLive =
    isTTY &&
    !quiet &&
    !noProgress &&
    showProgressBar &&
    !isSwitchedOn(env['CI']) &&
    env['TERM'] !== 'dumb' &&
    (columns ?? 80) >= NARROWEST_DISPLAY;
  return { kind: isLive ? 'live' : 'plain', level, color: chooseColor(conditions) };
}

/** What a display needs besides the choice of it. */
interface DisplayOptions extends ProgressSources {
  readonly stream: OutputStream;
  /** Unix milliseconds. */
  readonly now: () => number;
}

/** Makes the display that was chosen. listr2 is loaded only for the live one. */
export async function createDisplay(
  { kind, level, color }: Presentation,
  options: DisplayOptions,
): Promise<Reporter> {
  const stream = withoutBlocking(options.stream);
  const style = styles(color);
  switch (kind) {
    case 'ndjson':
      return ndjsonReporter(stream);
    case 'plain':
      return plainReporter(new Output(stream), level, style);
    case 'live': {
      const { liveReporter } = await import('./live.ts');
      return liveReporter({ ...options, stream, style, level });
    }
  }
}
