import type { Presentation } from './choose.ts';
import { ndjsonReporter } from './ndjson.ts';
import { Output, type OutputStream } from './output.ts';
import { plainReporter } from './plain.ts';
import type { ProgressSources } from '../progress/progress-model.ts';
import type { Reporter } from '../reporter.ts';
import { styles } from '../../domain/text/styles.ts';
import { withoutBlocking } from './terminal-stream.ts';

/** What a display is made of besides the choice of it. */
export interface ReporterOptions extends ProgressSources {
  readonly stream: OutputStream;
  /** Unix milliseconds. */
  readonly now: () => number;
}

/** The reporter for a presentation; listr2 is loaded only where it is shown. */
export async function createReporter(
  { kind, level, color }: Presentation,
  options: ReporterOptions,
): Promise<Reporter> {
  const stream = withoutBlocking(options.stream);
  const style = styles(color);
  switch (kind) {
    case 'ndjson':
      return ndjsonReporter(stream);
    case 'plain':
      return plainReporter(new Output(stream), level, style);
    case 'progress': {
      const { progressReporter } = await import('./live-display.ts');
      return progressReporter({ ...options, stream, style, level });
    }
  }
}
