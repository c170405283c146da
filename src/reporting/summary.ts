import type { ModelUsage } from '../domain/attempt.ts';
import type { BudgetShortfall } from '../domain/budget-shortfall.ts';
import type { Delivery, PauseReason, RunCounts, RunOutcome } from '../domain/event.ts';
import type { AttemptOutcome } from '../domain/outcome.ts';
import type { TaskId, TaskStatus } from '../domain/task.ts';
import type { CutOffCalls } from '../store/store.ts';

/** What a summary has of every task that was tried. */
interface SummarizedTask {
  readonly taskId: TaskId;
  readonly title: string;
  /** The number of attempts in this run. */
  readonly attempts: number;
  /** The working time of all its attempts in this run. */
  readonly durationMs: number;
  readonly tokens: number;
  readonly costUsd: number;
  /** The folder of its last attempt: prompt, transcript, stderr. */
  readonly files: string;
  /** Rules that would have allowed what was denied to it. */
  readonly deniedRules: readonly string[];
}

/** A task that this run did. */
export interface DoneTask extends SummarizedTask {
  readonly outcome: AttemptOutcome;
  /** What the worker says it did. */
  readonly summary: string;
  /** What the worker says should follow. */
  readonly followUps: readonly string[];
  /** A remark besides, such as files that git ignores; mostly empty. */
  readonly note: string;
}

/** A task that this run tried and did not do. */
export interface FailedTaskSummary extends SummarizedTask {
  readonly outcome: AttemptOutcome;
  readonly message: string;
  /** What a person can do about it. */
  readonly advice: string;
  readonly status: TaskStatus;
}

/** A task that a worker works on right now. */
interface RunningTask {
  readonly taskId: TaskId;
  readonly title: string;
  readonly files: string;
}

/** A task that is still to do and was not tried in this run. */
export interface LeftTask {
  readonly taskId: TaskId;
  readonly title: string;
  readonly status: TaskStatus;
  /** The unsettled tasks that it needs; empty if it could start. */
  readonly waitingFor: readonly TaskId[];
}

/** What one model used for one role. */
interface RoleUsage extends ModelUsage {
  readonly role: 'manager' | 'worker';
}

/** A pause that holds now. Times are ISO 8601, UTC. */
interface PausedSummary {
  readonly reason: PauseReason;
  readonly since: string;
  readonly until: string;
  readonly message: string;
}

/** A run, summed up. This is the shape that `--json` prints and scripts rely on, so fields are only ever added. */
export interface RunSummary {
  readonly runId: string;
  /** Null while the run goes on. */
  readonly outcome: RunOutcome | null;
  readonly message: string;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  readonly endedAt: string | null;
  /** From the run's start to its end, or until now. */
  readonly durationMs: number;
  /** The part of that time in which nothing was allowed to start. */
  readonly pausedMs: number;
  /** Why nothing starts now; null while something may start, and once the run has ended. */
  readonly paused: PausedSummary | null;
  /** How many tasks wait only for the money that running ones hold. */
  readonly waitingForBudget: number;
  readonly workers: number;
  readonly billing: string;
  readonly counts: RunCounts;
  readonly done: readonly DoneTask[];
  readonly failed: readonly FailedTaskSummary[];
  readonly running: readonly RunningTask[];
  readonly left: readonly LeftTask[];
  readonly usage: readonly RoleUsage[];
  readonly tokens: number;
  readonly costUsd: number;
  /** `costUsd` and the cost of the runs that this one continues: what a budget counts. */
  readonly spentUsd: number;
  /** The part of it that is booked for calls of the manager that a kill cut off; null if there are none. */
  readonly cutOff: CutOffCalls | null;
  /** The ceiling that stopped the run, and what it has to be at least; null if no budget stopped it. */
  readonly shortage: BudgetShortfall | null;
  /** When the usage limit resets that holds the run up or stopped it: ISO 8601, UTC; null if none does. */
  readonly resetsAt: string | null;
  /** What became of the landed changes; null while the run goes on, and if workers share a directory. */
  readonly delivery: Delivery | null;
  /** Where workers worked that had no worktree of their own: the changes are there. */
  readonly directories: readonly string[];
}
