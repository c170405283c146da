import { sumUsage, type ModelUsage, type ProcessIdentity } from '../../domain/attempt.ts';
import { nextCommand } from '../../domain/text/run-outcome.ts';
import { readSummary } from '../../reporting/summarize.ts';
import type { Run, TaskStore } from '../../store/store.ts';
import { OutlinedTasks, type TaskCounts } from '../../domain/task-outline.ts';
import { attentionFor } from './attention.ts';
import { limitsOf, type Circumstances } from './limits.ts';
import type { RunStatus, StatusReport } from '../contract/status.ts';

/** Looks everything up; `now` is in Unix milliseconds. */
export function collectStatus(
  store: TaskStore,
  isAlive: (process: ProcessIdentity) => boolean,
  circumstances: Circumstances,
  now: number,
): StatusReport {
  const counts = new OutlinedTasks(store.outline()).counts();
  const last = store.lastRun();
  const run = last === undefined ? null : runStatus(store, last, isAlive, now);
  const unfinished = store.attempts({ running: true });
  const usedSoFar = store.usedSoFar();
  const usage = [...store.usage({ since: new Date(now - 7 * DAY_MS).toISOString() }), ...usedSoFar];
  const since5h = new Date(now - FIVE_HOURS_MS).toISOString();
  return {
    run,
    running: (run?.state === 'running' ? unfinished : []).map(
      ({ id, taskId, number, model, phase, startedAt }) => ({
        taskId,
        title: store.task(taskId)?.title ?? '',
        number,
        model,
        phase,
        startedAt,
        spentUsd:
          costOf(store.attempts({ taskId }).flatMap(({ end }) => end?.usage ?? [])) +
          costOf(usedSoFar.filter(({ attemptId }) => attemptId === id)),
      }),
    ),
    tasks: counts,
    usage: {
      run: sumUsage(run?.usage ?? []),
      last5h: sumUsage(usage.filter(({ at }) => at >= since5h)),
      last7d: sumUsage(usage),
      account: usedByAccounts(circumstances, now),
    },
    ...limitsOf(circumstances, run, now),
    transcripts: circumstances.transcripts,
    attention: attentionFor(store, run, counts, unfinished.length),
    next: nextStep(run, counts),
  };
}

const DAY_MS = 86_400_000;
const FIVE_HOURS_MS = 5 * 3_600_000;

function runStatus(
  store: TaskStore,
  run: Run,
  isAlive: (process: ProcessIdentity) => boolean,
  now: number,
): RunStatus {
  const state = run.endedAt !== null ? 'ended' : isAlive(run.process) ? 'running' : 'dead';
  const summary = readSummary(store, run, now);
  // What waited for a limit waits no more once its process is gone.
  const paused = state === 'running' ? summary.paused : null;
  const waitingForBudget = state === 'running' ? summary.waitingForBudget : 0;
  return { ...summary, paused, waitingForBudget, state, pid: run.process.pid };
}

function usedByAccounts({ ledger }: Circumstances, now: number): StatusReport['usage']['account'] {
  if (ledger === null) return null;
  return { last5h: ledger.usedSince(now - FIVE_HOURS_MS), last7d: ledger.usedSince(now - 7 * DAY_MS) };
}

function costOf(usages: readonly ModelUsage[]): number {
  return usages.reduce((sum, { costUsd }) => sum + costUsd, 0);
}

function nextStep(run: RunStatus | null, tasks: TaskCounts): string {
  if (tasks.total === 0) return 'claude-orchestrator parse prd.md';
  if (tasks.done + tasks.cancelled === tasks.total) return stepAfter(run);
  if (run?.state === 'running') return 'claude-orchestrator status --watch';
  if (run?.state === 'ended' && run.outcome !== 'completed') return nextCommand(run);
  return run?.state === 'dead' || tasks.ready > 0 ? 'claude-orchestrator run' : 'claude-orchestrator list';
}

/** With every task done: what became of the results since is looked up by the commands that are named. */
function stepAfter(run: RunStatus | null): string {
  if (run?.state === 'dead' || run?.delivery?.kind === 'left') return 'claude-orchestrator run';
  return run?.delivery?.kind === 'staged' ? 'git diff --staged' : 'claude-orchestrator add "what comes next"';
}
