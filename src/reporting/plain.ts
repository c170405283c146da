import type { Stamped } from '../event.ts';
import { describeEvent, isShown, paintLine, type Detail } from './describe-event.ts';
import { formatDuration, formatMoney } from './format.ts';
import type { Output } from './output.ts';
import { pauseNews } from './pauses.ts';
import { ProgressModel } from './progress-model.ts';
import type { Reporter } from './reporter.ts';
import type { Styles } from './styles.ts';

/** Silence for longer than this looks like a hang, and some build services take it for one. */
const SIGN_OF_LIFE_MS = 60_000;

/** One timestamped line (UTC) for each event worth one at that level of detail: for logs, pipes and build services. */
export function plainReporter(output: Output, level: Detail, style: Styles): Reporter {
  const model = new ProgressModel();
  const isNews = pauseNews();
  let lastLineAt = Number.NEGATIVE_INFINITY;
  const print = (at: string, text: string): void => {
    lastLineAt = Date.parse(at);
    output.write(`${style.dim(`${at.slice(0, 19)}Z`)} ${text}\n`);
  };

  return {
    report(event: Stamped) {
      const worker = 'attemptId' in event ? model.worker(event.attemptId) : undefined;
      model.apply(event);
      if (!isNews(event)) return;
      const line = describeEvent(event, worker);
      if (line !== undefined && isShown(line, level)) {
        // What a slow reader can do without is left out, so that it never piles up in memory.
        if (!(output.blocked && event.type === 'attempt-progress')) print(event.at, paintLine(line, style));
      } else if (
        level !== 'quiet' &&
        event.type === 'attempt-progress' &&
        Date.parse(event.at) - lastLineAt >= SIGN_OF_LIFE_MS
      ) {
        print(event.at, style.dim(signOfLife(model, Date.parse(event.at))));
      }
    },
    async close() {
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
