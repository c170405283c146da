import type { Stamped } from '../../domain/event.ts';
import { paintLine, type Detail } from './describe-event.ts';
import { formatDuration, formatMoney } from '../../domain/text/format.ts';
import { EventFormatter } from './event-formatter.ts';
import type { Output } from './output.ts';
import { ProgressModel } from '../progress/progress-model.ts';
import type { Reporter } from '../reporter.ts';
import type { Styles } from '../../domain/text/styles.ts';

/** A longer silence looks like a hang, and some build services end a silent process. */
const MAX_SILENCE_MS = 60_000;

/** Prints a timestamped line (UTC) for each event that is shown at `level`: for logs, pipes and build services. */
export function plainReporter(output: Output, level: Detail, style: Styles): Reporter {
  const model = new ProgressModel();
  const formatter = new EventFormatter(level);
  let lastLineAt = Number.NEGATIVE_INFINITY;
  const print = (at: string, text: string): void => {
    lastLineAt = Date.parse(at);
    output.write(`${style.dim(`${at.slice(0, 19)}Z`)} ${text}\n`);
  };

  return {
    report(event: Stamped) {
      const worker = 'attemptId' in event ? model.worker(event.attemptId) : undefined;
      model.apply(event);
      const lines = formatter.format(event, worker);
      // Progress is left out while the reader is slow, so that it never piles up in memory.
      if (output.blocked && event.type === 'attempt-progress') return;
      for (const line of lines) print(line.at, paintLine(line, style));
      const isSilent = Date.parse(event.at) - lastLineAt >= MAX_SILENCE_MS;
      if (level !== 'quiet' && event.type === 'attempt-progress' && isSilent)
        print(event.at, style.dim(progressLine(model, Date.parse(event.at))));
    },
    async close() {
      for (const line of formatter.flush()) print(line.at, paintLine(line, style));
      await output.flushed();
      output.detach();
    },
  };
}

function progressLine(model: ProgressModel, now: number): string {
  const { counts, running, elapsedMs, costUsd } = model.at(now);
  const ids = running.map((worker) => worker.taskId).join(', ');
  return `… ${counts.done} of ${counts.total} done · working on ${ids} · ${formatDuration(elapsedMs)} · ${formatMoney(costUsd)}`;
}
