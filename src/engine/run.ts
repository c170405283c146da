import type { ProcessIdentity } from '../domain/attempt.ts';
import type { Budget } from './budget.ts';
import type { CostEstimator, Estimator, LearnedCosts } from '../domain/estimate.ts';
import type { Delivery, RunOutcome } from '../domain/event.ts';
import type { Reporter } from '../reporting/reporter.ts';
import type { TaskResult } from './scheduler.ts';
import type { TaskStore } from '../store/store.ts';
import type { Task, TaskId } from '../domain/task.ts';
import type { UsageLedger } from '../usage/ledger.ts';
import type { Worker } from '../worker/worker.ts';
import type { Workspaces } from '../workspace/workspace.ts';

/** The parts a run is made of. */
export interface RunParts {
  readonly store: TaskStore;
  readonly worker: Worker;
  readonly workspaces: Workspaces;
  readonly reporter: Reporter;
  /** Improves the plan that is stored before anything starts, and says where it came from; it never rejects. */
  readonly plan: (tasks: readonly Task[], signal: AbortSignal) => Promise<'manager' | 'cache' | 'stored'>;
  readonly estimate: Estimator;
  readonly estimateCost: CostEstimator;
  /** Hears what finished work has cost, so that the next estimates are better. */
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

/** How a run ended, and what became of each of its tasks. */
export interface RunResult {
  readonly outcome: RunOutcome;
  readonly message: string;
  readonly delivery: Delivery;
  readonly results: ReadonlyMap<TaskId, TaskResult>;
}
