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
  /** The group the task belongs to, if it is a subtask. */
  readonly parent: Task | null;
  readonly attempt: Attempt;
  /** What finished dependencies left for this task to know. */
  readonly handovers: readonly { readonly task: Task; readonly summary: string }[];
  /** How the task's previous attempt ended, if there was one. */
  readonly previous: AttemptEnd | null;
  /** The attempt whose workspace this one goes on with. */
  readonly continues: Previous | null;
  /**
   * A report that an earlier attempt came to, and the commit with all that it is about, where only what follows failed:
   * in a workspace at that commit nothing is worked again.
   */
  readonly finished: { readonly report: WorkerReport; readonly change: string } | null;
  /** The folders of the earlier attempts in the same Claude session: what it did there counts too. */
  readonly earlierFiles: readonly string[];
  /** The review whose findings are open; its round is 0 where it belongs to an earlier run. */
  readonly review: Review | null;
  /** The most this attempt may cost, in US dollars. */
  readonly maxCostUsd: number | null;
}

/** What the worker tells while it works. None of them may throw. */
export interface WorkerHooks {
  readonly onWorkspace: (workspace: Workspace) => void;
  readonly onSpawn: (process: ProcessIdentity) => void;
  readonly onPhase: (phase: Phase) => void;
  /** `usage` is what it has used so far, where that is known by model. */
  readonly onProgress: (progress: WorkerProgress, usage?: readonly ModelUsage[]) => void;
  /** The change is about to land as this commit. */
  readonly onLanding: (commit: string, proof: Proof) => void;
  /** What the API said of the limits of the account that pays for workers. */
  readonly onLimits: (observation: LimitObservation) => void;
  /** Something that a person should know. */
  readonly onWarning: (message: string) => void;
}

/** Does one attempt at one task, from a prepared workspace to a landed change. */
export interface Worker {
  /**
   * Never rejects for a reason that lies in the task, the model or the machine: each is an outcome. When `signal`
   * aborts, everything that was started is ended and the outcome is `cancelled`.
   */
  run(assignment: Assignment, hooks: WorkerHooks, signal: AbortSignal): Promise<AttemptEnd>;
  /**
   * Settles an attempt whose orchestrator was killed: follows its process to its end if it still runs, else reads
   * the end it came to; undefined if it left no result, after everything that it started was ended.
   */
  recover(attempt: Attempt, hooks: WorkerHooks, signal: AbortSignal): Promise<AttemptEnd | undefined>;
  /**
   * Ends whatever this project's killed orchestrators have left running, apart from the attempts with these ids.
   * Called while no other run of the project is alive.
   */
  endOrphans(unfinished: ReadonlySet<number>): Promise<void>;
}
