import type { ModelUsage } from '../domain/attempt.ts';
import type { BudgetShortfall } from '../domain/budget-shortfall.ts';
import type { Delivery, PauseReason, RunCounts, RunOutcome } from '../domain/event.ts';
import type { AttemptOutcome } from '../domain/outcome.ts';
import type { TaskId, TaskStatus } from '../domain/task.ts';
import type { CutOffCalls } from '../store/store.ts';

/** What every task in a summary has. */
interface SummarizedTask {
  readonly taskId: TaskId;
  readonly title: string;
  /** Attempts in this run. */
  readonly attempts: number;
  /** Working time of all its attempts in this run. */
  readonly durationMs: number;
  readonly tokens: number;
  readonly costUsd: number;
  /** The folder of its last attempt: prompt, transcript, stderr. */
  readonly files: string;
  /** Allow rules that would have let through what was denied to it. */
  readonly deniedRules: readonly string[];
}

/** A task that this run did. */
export interface DoneTask extends SummarizedTask {
  readonly outcome: AttemptOutcome;
  /** What the worker says it did. */
  readonly summary: string;
  /** What the worker says should follow. */
  readonly followUps: readonly string[];
  /** What is to be said of it besides, such as files that git ignores; mostly empty. */
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

/** A task that is still to do and that this run did not try. */
export interface LeftTask {
  readonly taskId: TaskId;
  readonly title: string;
  readonly status: TaskStatus;
  /** Unsettled tasks it needs; empty if it could start. */
  readonly waitingFor: readonly TaskId[];
}

/** What one model used for one role. */
interface RoleUsage extends ModelUsage {
  readonly role: 'manager' | 'worker';
}

/** A pause that lasts. Times in ISO 8601, UTC. */
interface PausedSummary {
  readonly reason: PauseReason;
  readonly since: string;
  readonly until: string;
  readonly message: string;
}

/** One run, summed up: the shape that `--json` prints and scripts rely on; fields are only ever added. */
export interface RunSummary {
  readonly runId: string;
  /** Null while the run goes on. */
  readonly outcome: RunOutcome | null;
  readonly message: string;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  readonly endedAt: string | null;
  /** From its start to its end, or until now. */
  readonly durationMs: number;
  /** The part of it in which nothing was allowed to start. */
  readonly pausedMs: number;
  /** Why nothing starts right now; null while something may, and once the run is over. */
  readonly paused: PausedSummary | null;
  /** How many tasks could start but for the money that running ones hold. */
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
  /** The same with what the runs have cost that this one continues: what a budget counts. */
  readonly spentUsd: number;
  /** What of it was booked for calls of the manager that a kill has cut off; null where there are none. */
  readonly cutOff: CutOffCalls | null;
  /** The ceiling that ended the run, and what it has to be at least; null where no budget did. */
  readonly shortage: BudgetShortfall | null;
  /** When a usage limit that holds the run up, or has stopped it, resets: ISO 8601, UTC; else null. */
  readonly resetsAt: string | null;
  /** What became of what landed; null while the run goes on, and where workers share a directory. */
  readonly delivery: Delivery | null;
  /** The directories in which workers worked that had none of their own: the changes are there. */
  readonly directories: readonly string[];
}
