import { sumUsage, type ModelUsage, type Phase, type ProcessIdentity } from '../../domain/attempt.ts';
import { nextCommand } from '../../reporting/format-summary.ts';
import { readSummary } from '../../reporting/read-summary.ts';
import type { RunSummary } from '../../reporting/summary.ts';
import type { Run, TaskStore } from '../../store/store.ts';
import type { TaskId } from '../../domain/task.ts';
import { OutlinedTasks, type TaskCounts } from '../../domain/task-outline.ts';
import type { KnownSize } from '../project/transcripts.ts';
import { attentionFor, type Attention } from './attention.ts';
import {
  limitsOf,
  type BudgetStatus,
  type Circumstances,
  type LimitStatus,
  type WindowStatus,
} from './limits.ts';

/** Everything that `status` tells; also the documented shape of `status --json`. */
export interface StatusReport {
  readonly run: RunStatus | null;
  readonly running: readonly RunningAttempt[];
  /** Tasks that are work, so groups are left out. */
  readonly tasks: TaskCounts;
  /** Per model, of the manager's calls and the workers together; in the last hours and days by this project alone. */
  readonly usage: {
    readonly run: readonly ModelUsage[];
    readonly last5h: readonly ModelUsage[];
    readonly last7d: readonly ModelUsage[];
    /** What all projects on this machine have used of the accounts that pay here; null where it is not known. */
    readonly account: {
      readonly last5h: readonly ModelUsage[];
      readonly last7d: readonly ModelUsage[];
    } | null;
  };
  /** Of the accounts that pay here, as the API told of them last; those that have been reset since are left out. */
  readonly windows: readonly WindowStatus[];
  /** False where only API keys pay, which have no plan and so no windows but those of a minute. */
  readonly hasPlan: boolean;
  /** Until when no project on this machine starts anything on one of these accounts; null if it may. */
  readonly limit: LimitStatus | null;
  /** Null where there is no ceiling, or where the configuration cannot be read. */
  readonly budget: BudgetStatus | null;
  /** What the transcripts took when the last run ended or somebody looked; null where nobody has. */
  readonly transcripts: KnownSize | null;
  readonly attention: readonly Attention[];
  /** The command that a person would give now. */
  readonly next: string;
}

/** The run in progress, or else the last one. */
export interface RunStatus extends RunSummary {
  /** `dead`: its process is gone without an end; the next `run` takes it up. */
  readonly state: 'running' | 'ended' | 'dead';
  readonly pid: number;
}

/** One worker at work. */
interface RunningAttempt {
  readonly taskId: TaskId;
  readonly title: string;
  readonly number: number;
  readonly model: string;
  readonly phase: Phase;
  readonly startedAt: string;
  /** What all attempts at the task have cost, this one so far, in US dollars. */
  readonly spentUsd: number;
}

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
