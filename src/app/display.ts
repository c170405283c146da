import { choosePresentation, createDisplay, type DisplayConditions } from '../reporting/terminal/display.ts';
import { withoutBlocking, type OutputStream } from '../reporting/terminal/output.ts';
import type { RunView } from './run/job.ts';

/** What a person asked of the display of a run, and the stream that it goes to. */
export interface DisplayOptions extends Omit<DisplayConditions, 'showProgressBar' | 'isTTY' | 'columns'> {
  readonly stream: OutputStream;
}

/** Shows a run on a stream: live on a terminal, as lines, or as JSON, by what was asked and by what the stream is. */
export function displayOn(options: DisplayOptions, summarize: RunView['summarize']): RunView {
  const { isTTY = false, columns } = options.stream;
  // One stream for all who write to the terminal: what they write must not mix, nor wait for it.
  const stream = withoutBlocking(options.stream);
  return {
    open: ({ windows, monitoring }) => {
      const presentation = choosePresentation({
        ...options,
        isTTY,
        columns,
        verbose: options.verbose || monitoring.verbose_logging,
        showProgressBar: monitoring.show_progress_bar,
      });
      return createDisplay(presentation, { stream, now: Date.now, windows });
    },
    terminal: isTTY && !options.json ? stream : undefined,
    summarize,
  };
}
