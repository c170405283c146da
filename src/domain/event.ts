import type { Attempt, AttemptEnd, ModelUsage, Phase, ProcessIdentity, Proof, Tokens } from './attempt.ts';
import type { TaskChanges, TaskId, TaskStatus } from './task.ts';

/** The outcomes of a run. */
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

/** The outcome of a run, with a sentence for people. */
export interface RunEnd {
  readonly outcome: RunOutcome;
  readonly message: string;
}

/**
 * Why nothing starts for a while: a limit refused a request (`usage-limit`), only the person's share of a limit is left
 * (`reserve`), too little is left for any task (`pacing`), or the API, the network or the machine fails (`outage`).
 */
export type PauseReason = 'usage-limit' | 'reserve' | 'pacing' | 'outage';

/** The accounts that pay in a run, each with a hash that tells it from others and a name for people. */
export type PayingAccounts = Readonly<
  Record<'worker' | 'manager', { readonly id: string; readonly label: string }>
>;

/** The number of tasks of a run in each state. */
export interface RunCounts {
  readonly total: number;
  readonly done: number;
  readonly running: number;
  readonly failed: number;
  /** Not started yet, tasks behind a failed dependency included. */
  readonly waiting: number;
}

/** The current action of a worker for people, such as `Edit src/a.ts` or `thinking`, and its usage so far. */
export interface WorkerProgress {
  readonly action: string;
  readonly tokens: Tokens;
  readonly costUsd: number;
}

/** How the work that landed in a run reached the user. */
export interface Delivery {
  /**
   * `none`: there is nothing to deliver; `committed` on the user's branch; `staged` in the user's checkout; put on a
   * separate `branch`, as asked for; `left` undelivered on the integration branch; or offered as a `pull-request`.
   */
  readonly kind: 'none' | 'committed' | 'staged' | 'branch' | 'left' | 'pull-request';
  /** The commit with all of the work; null for `none`. */
  readonly commit: string | null;
  /** A sentence for people: what was done, or why the work is undelivered. */
  readonly message: string;
  /** The commands with which a person takes the work, where something is left to do. */
  readonly commands: readonly string[];
}

/** What attempt an event is about. */
interface OfAttempt {
  readonly attemptId: number;
  readonly taskId: TaskId;
}

/** The facts of each type of event. */
interface EventFacts {
  'run-started': {
    readonly runId: string;
    readonly workers: number;
    readonly tasks: number;
    /** Who pays for what, e.g. `workers: Claude subscription · manager: API key …abcd`. */
    readonly billing: string;
    /** The accounts whose usage counts; runs of earlier versions lack them. */
    readonly accounts?: PayingAccounts;
    /** The ceilings in US dollars; null for none. */
    readonly maxCostUsd?: number | null;
    readonly maxCostPerTaskUsd?: number | null;
  };
  /** The source of the order: a manager call, the plan cache, or the stored dependencies alone. */
  'run-planned': { readonly runId: string; readonly source: 'manager' | 'cache' | 'stored' };
  'run-delivered': { readonly runId: string; readonly delivery: Delivery };
  /** Reported again with another `until` where the pause becomes longer. */
  'run-paused': {
    readonly runId: string;
    readonly reason: PauseReason;
    /** The time of the next try, ISO 8601, UTC. */
    readonly until: string;
    /** One sentence for people. */
    readonly message: string;
  };
  'run-resumed': { readonly runId: string; readonly reason: PauseReason };
  /** Reported once for each window: its use exceeds `monitoring.usage_warning_threshold`. */
  'usage-warning': {
    readonly runId: string;
    readonly account: string;
    readonly window: string;
    /** Percent that is used. */
    readonly used: number;
    /** ISO 8601, UTC. */
    readonly resetsAt: string | null;
  };
  /** Workers idle because running attempts hold too much of the budget. Reported again when that ends. */
  'budget-wait': {
    readonly runId: string;
    /** The number of tasks that only wait for money; 0 when none does. */
    readonly waiting: number;
    /** The money that running attempts hold and have not spent, and the free rest, in US dollars. */
    readonly heldUsd: number;
    readonly freeUsd: number;
  };
  'run-ended': RunEnd & { readonly runId: string };
  'attempt-started': OfAttempt & {
    readonly runId: string;
    readonly title: string;
    readonly number: number;
    readonly sessionId: string;
    readonly resumed: boolean;
    /** Why the scheduler chose this task. */
    readonly why: string;
  };
  'attempt-prepared': OfAttempt & Pick<Attempt, 'directory' | 'branch' | 'base'>;
  'attempt-spawned': OfAttempt & { readonly process: ProcessIdentity };
  'attempt-phase': OfAttempt & { readonly phase: Phase };
  'attempt-progress': OfAttempt & { readonly progress: WorkerProgress };
  /**
   * Stored before the integration branch moves to `commit`. A recovery looks at the branch to see whether it did, and
   * completes the end of the attempt by `proof` then.
   */
  'landing-intended': OfAttempt & { readonly commit: string; readonly proof: Proof };
  'attempt-ended': OfAttempt & { readonly end: AttemptEnd };
  /** `number` is that of the next attempt. */
  'retry-scheduled': {
    readonly taskId: TaskId;
    readonly number: number;
    readonly delayMs: number;
    readonly why: string;
  };
  'status-changed': {
    readonly taskId: TaskId;
    readonly from: TaskStatus;
    readonly to: TaskStatus;
    readonly why: string;
  };
  'tasks-added': { readonly taskIds: readonly TaskId[]; readonly source: string };
  'task-edited': { readonly taskId: TaskId; readonly changes: TaskChanges };
  'tasks-deleted': { readonly taskIds: readonly TaskId[] };
  'dependency-added': { readonly taskId: TaskId; readonly dependsOn: TaskId };
  'dependency-removed': { readonly taskId: TaskId; readonly dependsOn: TaskId };
  'manager-called': {
    /** `parse`, `add`, `expand`, `plan`, `review`. */
    readonly purpose: string;
    /** The task of a review; absent for other purposes. */
    readonly taskId?: TaskId;
    readonly runId: string | null;
    /** The number under which the call is stored before it is made; calls of earlier versions lack it. */
    readonly callId?: number;
    readonly usage: readonly ModelUsage[];
    readonly durationMs: number;
  };
  /** A call was under way when its process was killed, so its cost is unknown: `usage` is a high estimate. */
  'manager-cut-off': {
    readonly purpose: string;
    readonly runId: string | null;
    readonly usage: readonly ModelUsage[];
  };
  warning: { readonly message: string };
}

/** The events of the given types. */
export type EventOf<T extends keyof EventFacts> = { [K in T]: { readonly type: K } & EventFacts[K] }[T];

/** Everything that happens. The store keeps every event except `attempt-progress`. Reporters get all of them. */
export type Event = EventOf<keyof EventFacts>;

/** An event with its time, as reporters get it and the store returns it. */
export type Stamped<E extends Event = Event> = E & {
  /** ISO 8601, UTC. */
  readonly at: string;
};
