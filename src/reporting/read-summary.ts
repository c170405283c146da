import type { Run, TaskStore } from '../store/store.ts';
import { summarize, SUMMARY_EVENTS, type RunSummary } from './summary.ts';

/** Sums a run up from what is stored of it; `now` is in Unix milliseconds. */
export function readSummary(store: TaskStore, run: Run, now: number): RunSummary {
  const runId = run.id;
  const running = run.endedAt === null ? store.usedSoFar() : [];
  const runningUsd = running.reduce((sum, { costUsd }) => sum + costUsd, 0);
  return summarize({
    run,
    attempts: store.attempts({ runId }),
    tasks: store.tasks(),
    usage: [...store.usage({ runId }), ...running.filter((used) => used.runId === runId)],
    events: store.events({ runId, types: SUMMARY_EVENTS }),
    cutOff: store.calls.cutOff(),
    spentUsd: store.unfinishedSpending() + runningUsd,
    ...(run.outcome === 'over-budget' ? { history: store.finishedWork() } : {}),
    now,
  });
}
