import type { Attempt, WorkerReport } from '../attempt.ts';
import type { Result } from '../result.ts';
import type { Task } from '../task.ts';

/** Where one attempt works. */
export interface Workspace {
  readonly directory: string;
}

/** What became of a change. */
type Landing =
  | { readonly kind: 'landed' }
  | { readonly kind: 'no-change' }
  | { readonly kind: 'conflict'; readonly message: string };

/** Gives each attempt a place to work in, and takes what comes out of it to where it belongs. */
export interface Workspaces {
  /** For people: what is isolated from what, and what is not. */
  readonly description: string;
  /** The error is a sentence; it becomes an `infrastructure` outcome. */
  acquire(task: Task, attempt: Attempt): Promise<Result<Workspace, string>>;
  land(workspace: Workspace, task: Task, report: WorkerReport): Promise<Landing>;
  release(workspace: Workspace): Promise<void>;
}
