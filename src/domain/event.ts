import type { AttemptEnd, ModelUsage, Phase, ProcessIdentity, Proof, Tokens } from './attempt.ts';
import type { TaskChanges, TaskId, TaskStatus } from './task.ts';

/** How a run ends; never a boolean. */
export const RUN_OUTCOMES = [
  'completed',
  'completed-with-failures',
  'paused-usage-limit',
  'over-budget',
  'unauthenticated',
  'model-unavailable',
  'outage',
  'interrupted',
] as const;
export type RunOutcome = (typeof RUN_OUTCOMES)[number];

/**
 * Why nothing starts for a while: a limit refused a request, what is left is the person's share or too little for any
 * task, or the API, the network or the machine fails.
 */
export type PauseReason = 'usage-limit' | 'reserve' | 'pacing' | 'outage';

/** The accounts that pay in a run: a hash that tells them apart, and their name for people. */
export type PayingAccounts = Readonly<
  Record<'worker' | 'manager', { readonly id: string; readonly label: string }>
>;

/** How many tasks of a run are in which state. */
export interface RunCounts {
  readonly total: number;
  readonly done: number;
  readonly running: number;
  readonly failed: number;
  /** Not started yet; those behind a failed dependency included. */
  readonly waiting: number;
}

/** What a worker does right now, for people: `Edit src/a.ts`, `Bash npm test`, `thinking`. */
export interface WorkerProgress {
  readonly action: string;
  readonly tokens: Tokens;
  readonly costUsd: number;
}

/** What became of the work that landed in a run. */
export interface Delivery {
  /**
   * `none`: there was nothing to deliver; `committed` on the user's branch; `staged` in the user's checkout; put on a
   * `branch` of their own, as asked for; `left` on the integration branch; or offered as a `pull-request`.
   */
  readonly kind: 'none' | 'committed' | 'staged' | 'branch' | 'left' | 'pull-request';
  /** The commit that holds it all; null for `none`. */
  readonly commit: string | null;
  /** A sentence for people: what was done, or why it was left. */
  readonly message: string;
  /** What a person has to type to take it, where something is left to do. */
  readonly commands: readonly string[];
}

/** Everything that happens. The store keeps each but `attempt-progress`; reporters see all of them. */
export type Event =
  | {
      readonly type: 'run-started';
      readonly runId: string;
      readonly workers: number;
      readonly tasks: number;
      /** Who pays for what, e.g. `workers: Claude subscription · manager: API key …abcd`. */
      readonly billing: string;
      /** Whose usage ledger has more; runs of earlier versions lack it. */
      readonly accounts?: PayingAccounts;
      /** The ceilings in US dollars; null for none. */
      readonly maxCostUsd?: number | null;
      readonly maxCostPerTaskUsd?: number | null;
    }
  | {
      readonly type: 'run-planned';
      readonly runId: string;
      /** Where the order came from: a manager call, the plan cache, or the stored dependencies alone. */
      readonly source: 'manager' | 'cache' | 'stored';
    }
  | { readonly type: 'run-delivered'; readonly runId: string; readonly delivery: Delivery }
  | {
      /** Said again with another `until` where the pause turns out to be longer. */
      readonly type: 'run-paused';
      readonly runId: string;
      readonly reason: PauseReason;
      /** When the next try is, ISO 8601, UTC. */
      readonly until: string;
      /** One sentence for people. */
      readonly message: string;
    }
  | { readonly type: 'run-resumed'; readonly runId: string; readonly reason: PauseReason }
  | {
      /** Said once for each window: more of it is used than `monitoring.usage_warning_threshold`. */
      readonly type: 'usage-warning';
      readonly runId: string;
      readonly account: string;
      readonly window: string;
      /** Percent that is used. */
      readonly used: number;
      /** ISO 8601, UTC. */
      readonly resetsAt: string | null;
    }
  | {
      /** Workers idle since those that run hold too much of the budget; said again once that is over. */
      readonly type: 'budget-wait';
      readonly runId: string;
      /** How many tasks could start but for money; 0 once none waits for it. */
      readonly waiting: number;
      /** What running attempts hold beyond what they have spent, and what is free, in US dollars. */
      readonly heldUsd: number;
      readonly freeUsd: number;
    }
  | {
      readonly type: 'run-ended';
      readonly runId: string;
      readonly outcome: RunOutcome;
      readonly message: string;
    }
  | {
      readonly type: 'attempt-started';
      readonly runId: string;
      readonly attemptId: number;
      readonly taskId: TaskId;
      readonly title: string;
      readonly number: number;
      readonly sessionId: string;
      readonly resumed: boolean;
      /** Why this task went next. */
      readonly why: string;
    }
  | {
      readonly type: 'attempt-prepared';
      readonly attemptId: number;
      readonly taskId: TaskId;
      readonly directory: string;
      readonly branch: string | null;
      readonly base: string | null;
    }
  | {
      readonly type: 'attempt-spawned';
      readonly attemptId: number;
      readonly taskId: TaskId;
      readonly process: ProcessIdentity;
    }
  | {
      readonly type: 'attempt-phase';
      readonly attemptId: number;
      readonly taskId: TaskId;
      readonly phase: Phase;
    }
  | {
      readonly type: 'attempt-progress';
      readonly attemptId: number;
      readonly taskId: TaskId;
      readonly progress: WorkerProgress;
    }
  | {
      /** Written before the integration branch is moved to `commit`: whoever finds it looks there what became of it. */
      readonly type: 'landing-intended';
      readonly attemptId: number;
      readonly taskId: TaskId;
      readonly commit: string;
      /** For whoever finds that it landed, when nobody is left who knows it. */
      readonly proof: Proof;
    }
  | {
      readonly type: 'attempt-ended';
      readonly attemptId: number;
      readonly taskId: TaskId;
      readonly end: AttemptEnd;
    }
  | {
      readonly type: 'retry-scheduled';
      readonly taskId: TaskId;
      /** The attempt to come. */
      readonly number: number;
      readonly delayMs: number;
      readonly why: string;
    }
  | {
      readonly type: 'status-changed';
      readonly taskId: TaskId;
      readonly from: TaskStatus;
      readonly to: TaskStatus;
      readonly why: string;
    }
  | { readonly type: 'tasks-added'; readonly taskIds: readonly TaskId[]; readonly source: string }
  | { readonly type: 'task-edited'; readonly taskId: TaskId; readonly changes: TaskChanges }
  | { readonly type: 'tasks-deleted'; readonly taskIds: readonly TaskId[] }
  | { readonly type: 'dependency-added'; readonly taskId: TaskId; readonly dependsOn: TaskId }
  | { readonly type: 'dependency-removed'; readonly taskId: TaskId; readonly dependsOn: TaskId }
  | {
      readonly type: 'manager-called';
      /** `parse`, `add`, `expand`, `plan`, `review`. */
      readonly purpose: string;
      /** The task it is about, where it is about one: that of a review. */
      readonly taskId?: TaskId;
      readonly runId: string | null;
      /** The number under which the call was stored before it was made; those of earlier versions lack it. */
      readonly callId?: number;
      readonly usage: readonly ModelUsage[];
      readonly durationMs: number;
    }
  | {
      /** A call was under way when its process was killed, so that nobody knows what it has cost. */
      readonly type: 'manager-cut-off';
      readonly purpose: string;
      /** The run that made it. */
      readonly runId: string | null;
      /** What is booked for it, estimated high. */
      readonly usage: readonly ModelUsage[];
    }
  | { readonly type: 'warning'; readonly message: string };

/** An event with its time, as reporters get it and as the store returns it. */
export type Stamped<E extends Event = Event> = E & {
  /** ISO 8601, UTC. */
  readonly at: string;
};
