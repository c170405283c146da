import type { Stamped } from '../../domain/event.ts';
import { paintLine, type Detail } from './describe-event.ts';
import { formatDuration, formatMoney } from '../../domain/text/format.ts';
import { Narrator } from './event-formatter.ts';
import type { Output } from './output.ts';
import { ProgressModel } from '../progress/progress-model.ts';
import type { Reporter } from '../reporter.ts';
import type { Styles } from '../../domain/text/styles.ts';

/** Silence for longer than this looks like a hang, and some build services take it for one. */
const SIGN_OF_LIFE_MS = 60_000;

/** One timestamped line (UTC) for each event worth one at that level of detail: for logs, pipes and build services. */
export function plainReporter(output: Output, level: Detail, style: Styles): Reporter {
  const model = new ProgressModel();
  const narrator = new Narrator(level);
  let lastLineAt = Number.NEGATIVE_INFINITY;
  const print = (at: string, text: string): void => {
    lastLineAt = Date.parse(at);
    output.write(`${style.dim(`${at.slice(0, 19)}Z`)} ${text}\n`);
  };

  return {
    report(event: Stamped) {
      const worker = 'attemptId' in event ? model.worker(event.attemptId) : undefined;
      model.apply(event);
      const lines = narrator.tell(event, worker);
      // What a slow reader can do without is left out, so that it never piles up in memory.
      if (output.blocked && event.type === 'attempt-progress') return;
      for (const line of lines) print(line.at, paintLine(line, style));
      const isSilent = Date.parse(event.at) - lastLineAt >= SIGN_OF_LIFE_MS;
      if (level !== 'quiet' && event.type === 'attempt-progress' && isSilent)
        print(event.at, style.dim(signOfLife(model, Date.parse(event.at))));
    },
    async close() {
      for (const line of narrator.rest()) print(line.at, paintLine(line, style));
      await output.flushed();
      output.detach();
    },
  };
}

function signOfLife(model: ProgressModel, now: number): string {
  const { counts, running, elapsedMs, costUsd } = model.at(now);
  const ids = running.map((worker) => worker.taskId).join(', ');
  return `… ${counts.done} of ${counts.total} done · working on ${ids} · ${formatDuration(elapsedMs)} · ${formatMoney(costUsd)}`;
}
