import type { ProcessIdentity } from '../domain/attempt.ts';
import type { Estimator, LearnedCosts } from '../domain/estimate.ts';
import type { Delivery, PayingAccounts, RunEnd } from '../domain/event.ts';
import type { Task, TaskId } from '../domain/task.ts';
import type { Reporter } from '../reporting/reporter.ts';
import type { TaskStore } from '../store/store.ts';
import type { UsageLedger } from '../usage/ledger.ts';
import type { Worker } from '../worker/worker.ts';
import type { Workspaces } from '../workspace/workspace.ts';
import type { Budget } from './budget.ts';
import type { GovernorOptions } from './governor.ts';
import type { RetryOptions } from './retry-policy.ts';
import type { FailureMode, TaskResult } from './scheduler.ts';

/** The parts that a run is made of. */
export interface RunParts {
  readonly store: TaskStore;
  readonly worker: Worker;
  readonly workspaces: Workspaces;
  readonly reporter: Reporter;
  /** Improves the stored plan before anything starts, and says where the plan came from. It never rejects. */
  readonly plan: (tasks: readonly Task[], signal: AbortSignal) => Promise<'manager' | 'cache' | 'stored'>;
  readonly estimate: Estimator;
  /** The expected cost of a task with the run's model. */
  readonly estimateCost: Estimator;
  /** Gets the cost of finished work, so that the next estimates are better. */
  readonly learnCost: LearnedCosts['learn'];
  readonly budget: Budget;
  readonly ledger: UsageLedger;
  readonly isAlive: (process: ProcessIdentity) => boolean;
  readonly newSessionId: () => string;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** 0 ≤ x < 1. */
  readonly random: () => number;
}

/** What a run does: which tasks, how many at once, at what price, with how much patience, and where. */
export interface RunOptions extends RetryOptions, GovernorOptions {
  readonly runId: string;
  readonly process: ProcessIdentity;
  readonly workers: number;
  /** Only these tasks; a group stands for its subtasks. All tasks by default. */
  readonly only?: readonly TaskId[];
  readonly failureMode: FailureMode;
  /** Who pays for what, for people. */
  readonly billing: string;
  /** The accounts whose limits and usage count. */
  readonly accounts: PayingAccounts;
  readonly workerModel: string;
  /** The directory in which workers work. */
  readonly directory: string;
  /** The folder with a folder for each run, which has a folder for each of its attempts. */
  readonly filesRoot: string;
  /** How often the run looks for changes by other processes, in milliseconds. */
  readonly pollMs: number;
}

/** The end of a run, and the result of each of its tasks. */
export interface RunResult extends RunEnd {
  readonly delivery: Delivery;
  readonly results: ReadonlyMap<TaskId, TaskResult>;
}
