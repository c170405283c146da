import type {
  Attempt,
  AttemptEnd,
  ModelUsage,
  Phase,
  ProcessIdentity,
  Proof,
  Review,
  WorkerReport,
} from '../domain/attempt.ts';
import type { WorkerProgress } from '../domain/event.ts';
import type { Task } from '../domain/task.ts';
import type { LimitObservation } from '../domain/usage-limit.ts';
import type { Previous, Workspace } from '../workspace/workspace.ts';

/** Everything a worker is told about one attempt. */
export interface Assignment {
  readonly task: Task;
  /** The task's group, if it is a subtask. */
  readonly parent: Task | null;
  readonly attempt: Attempt;
  /** What this task needs to know about the dependencies that are finished. */
  readonly handovers: readonly { readonly task: Task; readonly summary: string }[];
  /** How the task's previous attempt ended, if there was one. */
  readonly previous: AttemptEnd | null;
  /** The attempt whose workspace this one continues in. */
  readonly continues: Previous | null;
  /**
   * The report of an earlier attempt and the commit with all of its work, if only a later step failed. In a workspace at
   * that commit the worker does not work again.
   */
  readonly finished: { readonly report: WorkerReport; readonly change: string } | null;
  /** The folders of earlier attempts in the same Claude session. The commands they ran count too. */
  readonly earlierFiles: readonly string[];
  /** The review whose findings are open. Its round is 0 if it belongs to an earlier run. */
  readonly review: Review | null;
  /** The most this attempt may cost, in US dollars. */
  readonly maxCostUsd: number | null;
}

/** What a worker reports while it works. No hook may throw. */
export interface WorkerHooks {
  readonly onWorkspace: (workspace: Workspace) => void;
  readonly onSpawn: (process: ProcessIdentity) => void;
  readonly onPhase: (phase: Phase) => void;
  /** `usage` is what it has used so far, if that is known by model. */
  readonly onProgress: (progress: WorkerProgress, usage?: readonly ModelUsage[]) => void;
  /** The change is about to land as this commit. */
  readonly onLanding: (commit: string, proof: Proof) => void;
  /** What the API said about the limits of the account that pays for workers. */
  readonly onLimits: (observation: LimitObservation) => void;
  /** Something that a person should know. */
  readonly onWarning: (message: string) => void;
}

/** Does one attempt at one task, from a prepared workspace to a landed change. */
export interface Worker {
  /**
   * Never rejects because of the task, the model or the machine: each of these is an outcome. When `signal` aborts,
   * everything that was started is ended and the outcome is `cancelled`.
   */
  run(assignment: Assignment, hooks: WorkerHooks, signal: AbortSignal): Promise<AttemptEnd>;
  /**
   * Settles an attempt whose orchestrator was killed. Follows its process to the end if it still runs, else reads how it
   * ended. Undefined if it left no result; then everything that it started has been ended.
   */
  recover(attempt: Attempt, hooks: WorkerHooks, signal: AbortSignal): Promise<AttemptEnd | undefined>;
  /**
   * Ends everything that killed orchestrators of this project left running, except the attempts with these ids. Called
   * while no other run of the project is alive.
   */
  endOrphans(unfinished: ReadonlySet<number>): Promise<void>;
}
