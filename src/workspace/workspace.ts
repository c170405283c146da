import type { Attempt } from '../domain/attempt.ts';
import type { Delivery } from '../domain/event.ts';
import type { AttemptOutcome } from '../domain/outcome.ts';
import type { Result } from '../domain/result.ts';
import type { Task } from '../domain/task.ts';

/** Where one attempt works. */
export interface Workspace {
  /** The worker's working directory. */
  readonly directory: string;
  /** For everything that runs in it, such as `ORCHESTRATOR_PORT_BASE`. */
  readonly environment: Readonly<Record<string, string>>;
  /** Its branch and the commit that it began at; null where workers share a directory. */
  readonly branch: string | null;
  readonly base: string | null;
  /** What an earlier attempt left in it, as `git diff --stat` shows it; empty where it is clean. */
  readonly inherited: string;
}

/** Everything that a worker wrote, as a commit that stays reachable. */
export interface Change {
  readonly commit: string;
  readonly tree: string;
  /** The newest commit of the integration branch that the change contains, and its tree. */
  readonly base: string;
  readonly baseTree: string;
  /** Files that differ from `base`, relative to the repository; empty where nothing changed. */
  readonly files: readonly string[];
  /** Those of them that a worker must not change. */
  readonly protectedFiles: readonly string[];
  /** Those that git ignores in the user's checkout. They were only copied from there. */
  readonly copied: readonly string[];
  /** Files that the change adds conflict markers to. */
  readonly unresolved: readonly string[];
  /** What the worker wrote that cannot be part of the change, where that was looked for. */
  readonly excluded?: ExcludedFiles;
}

/** Files that are not part of a change, such as those that git ignores. They are kept in a snapshot of their own. */
export interface ExcludedFiles {
  readonly files: readonly { readonly path: string; readonly why: string }[];
  /** How many more there are, which were too many or too large to be kept. */
  readonly more: number;
}

/** A change merged with everything that has landed since it began. */
export type Combined =
  | {
      readonly kind: 'combined';
      /** The workspace holds this tree. */
      readonly tree: string;
      /** The tip of the integration branch that it is based on, and the tree of that tip. */
      readonly onto: string;
      readonly ontoTree: string;
    }
  | { readonly kind: 'conflict'; readonly onto: string; readonly files: readonly string[] };

/** The text of a change for a reader. Its length is limited, and binary files are only named. */
export interface ChangeText {
  readonly text: string;
  /** Whether anything is missing from it. */
  readonly truncated: boolean;
}

/** A change that is to become a commit of the integration branch. */
export interface LandingRequest {
  readonly task: Task;
  readonly attempt: Attempt;
  /** The worker's summary of its work. */
  readonly summary: string;
  readonly tree: string;
  readonly onto: string;
}

/**
 * Gives each attempt a place to work in, and delivers the results.
 *
 * Nothing that a worker wrote ever becomes unreachable: before a workspace is reused or reset, its content is kept.
 */
export interface Workspaces {
  /** For people: what they give up where workers share a directory; null where each task has a directory of its own. */
  readonly description: string | null;
  /** Null where workers share a directory: nobody can tell whose a change is, and nothing has to land. */
  readonly changes: Changes | null;

  /**
   * Prepares for a run that holds the project: keeps what a killed run left unfinished, reserves the workspaces of its
   * unfinished attempts, and brings the integration branch up to date with the user's. Returns what people should know.
   * Throws `Failed` where no run is possible.
   */
  begin(runId: string, unfinished: readonly Attempt[]): Promise<readonly string[]>;
  /**
   * Returns a prepared workspace. An attempt that continues a `previous` one finds the work of that one, and after a
   * `conflict` also the merge in progress. The error is a sentence; it becomes an `infrastructure` outcome.
   */
  acquire(
    request: { readonly task: Task; readonly attempt: Attempt; readonly previous: Previous | null },
    signal: AbortSignal,
  ): Promise<Result<Workspace, string>>;
  /** Returns the workspace of an attempt whose orchestrator was killed, as it was left. */
  reopen(attempt: Attempt): Promise<Result<Workspace, string>>;
  /**
   * Gives a workspace back. `landed`: all of its work is part of the integration branch. `why` tells how the attempt
   * ended, such as `when its attempt was interrupted`; its snapshot says so.
   */
  release(workspace: Workspace, landed: boolean, why?: string): Promise<void>;
  /** Delivers what landed to the user, and touches nothing of theirs that is not committed. */
  deliver(): Promise<Delivery>;
}

/** Brings a change from a workspace to the integration branch. */
export interface Changes {
  /** Keeps what is in the workspace now. A worker may be at work in it. */
  snapshot(workspace: Workspace): Promise<void>;
  /** Keeps everything that the worker wrote, its own commits included. */
  capture(workspace: Workspace): Promise<Change>;
  /**
   * Merges the change with the tip of the integration branch and puts the workspace to the result. A second call for
   * the same change and tip does nothing.
   */
  combine(workspace: Workspace, change: Change): Promise<Combined>;
  /** Puts the workspace back to what was captured or combined last, after commands that judged it have run there. */
  reset(workspace: Workspace): Promise<void>;
  /** Returns the text of a change, or of what was added since an earlier commit of the same task. */
  read(
    change: Change,
    options: { readonly since: string | null; readonly maxBytes: number },
  ): Promise<ChangeText>;
  /** Runs a job in a directory that holds `commit`, such as commands that judge it; one job at a time. */
  withCheckout<T>(
    commit: string,
    job: (workspace: Workspace) => Promise<T>,
    signal: AbortSignal,
  ): Promise<Result<T, string>>;
  /**
   * Moves the integration branch to a new commit of the tree, after `intend` has recorded that commit. Undefined where
   * the branch is not at `onto` any more: combine again.
   */
  land(request: LandingRequest, intend: (commit: string) => void): Promise<string | undefined>;
  /** Whether a commit is part of the integration branch. */
  hasLanded(commit: string): Promise<boolean>;
}

/** The attempt that another one continues. */
export interface Previous {
  readonly attempt: Attempt;
  readonly outcome: AttemptOutcome;
  /** The commit with all of its work, where that is complete; nothing that was written later belongs to it. */
  readonly change?: string;
}
