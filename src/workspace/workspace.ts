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
  /** Its branch and the commit it began at; null where workers share a directory. */
  readonly branch: string | null;
  readonly base: string | null;
  /** What an earlier try left in it, as `git diff --stat` tells it; empty where it is clean. */
  readonly inherited: string;
}

/** All that a worker wrote, as a commit that stays reachable. */
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
  /** Those that git ignores in the user's checkout and that were only copied from there. */
  readonly lent: readonly string[];
  /** Files in which marks of a conflict are left. */
  readonly unresolved: readonly string[];
  /** What the worker wrote and cannot be part of it, where that was looked for. */
  readonly leftOut?: LeftOut;
}

/** Files that are no part of a change, such as those that git ignores; they are kept apart from it. */
export interface LeftOut {
  readonly files: readonly { readonly path: string; readonly why: string }[];
  /** How many there are besides, which were too many or too large to be kept. */
  readonly more: number;
}

/** A change together with everything that has landed meanwhile. */
export type Combined =
  | {
      readonly kind: 'combined';
      /** The workspace is at this tree. */
      readonly tree: string;
      /** The tip of the integration branch that it stands on, and its tree. */
      readonly onto: string;
      readonly ontoTree: string;
    }
  | { readonly kind: 'conflict'; readonly onto: string; readonly files: readonly string[] };

/** A change for somebody who reads it: bounded, with binary files only named. */
export interface ChangeText {
  readonly text: string;
  /** Whether anything was left out of it. */
  readonly truncated: boolean;
}

/** What becomes a commit of the integration branch. */
export interface LandingRequest {
  readonly task: Task;
  readonly attempt: Attempt;
  /** The worker's summary of its work. */
  readonly summary: string;
  readonly tree: string;
  readonly onto: string;
}

/**
 * Gives each attempt a place to work in, and takes what comes out of it to where it belongs.
 *
 * Nothing that a worker wrote is ever made unreachable: before a workspace is reused or reset, what is in it is kept.
 */
export interface Workspaces {
  /** For people: what they give up where workers share a directory; null where each task has a place of its own. */
  readonly description: string | null;
  /** Null where workers share a directory: then nobody can tell whose a change is, and it is where it belongs already. */
  readonly changes: Changes | null;

  /**
   * Makes ready for a run that holds the project: settles what a killed run left half done, reserves the workspaces of
   * its unfinished attempts, and brings the integration branch up to date with the user's. Returns what people should
   * know. Throws `Failed` where no run is possible.
   */
  begin(runId: string, unfinished: readonly Attempt[]): Promise<readonly string[]>;
  /**
   * A prepared workspace. An attempt that continues a `previous` one finds what that left; after a `conflict`, with the
   * merge in progress. The error is a sentence; it becomes an `infrastructure` outcome.
   */
  acquire(
    request: { readonly task: Task; readonly attempt: Attempt; readonly previous: Previous | null },
    signal: AbortSignal,
  ): Promise<Result<Workspace, string>>;
  /** The workspace of an attempt whose orchestrator was killed, as it was left. */
  reopen(attempt: Attempt): Promise<Result<Workspace, string>>;
  /**
   * Gives a workspace back; `landed` tells that all of it is part of the integration branch. `why` says of what is kept
   * of it how its attempt ended, such as `when its attempt was interrupted`.
   */
  release(workspace: Workspace, landed: boolean, why?: string): Promise<void>;
  /** Takes what landed to the user, without touching anything of theirs that is not committed. */
  deliver(): Promise<Delivery>;
}

/** Takes a change from a workspace to the integration branch. */
export interface Changes {
  /** Keeps what is in the workspace now; while a worker works too. */
  snapshot(workspace: Workspace): Promise<void>;
  /** All that the worker wrote, its own commits included. */
  capture(workspace: Workspace): Promise<Change>;
  /**
   * Puts the workspace to the change merged onto the tip of the integration branch; the second time for the same
   * change and tip it has nothing to do.
   */
  combine(workspace: Workspace, change: Change): Promise<Combined>;
  /** Takes away what commands have left in a workspace that judged what was captured or combined last. */
  reset(workspace: Workspace): Promise<void>;
  /** The text of a change, or of what came to it since an earlier commit of the same task. */
  read(
    change: Change,
    options: { readonly since: string | null; readonly maxBytes: number },
  ): Promise<ChangeText>;
  /** Lends a directory that holds `commit`, for commands that judge it; one job at a time. */
  visit<T>(
    commit: string,
    job: (workspace: Workspace) => Promise<T>,
    signal: AbortSignal,
  ): Promise<Result<T, string>>;
  /**
   * Moves the integration branch to a new commit of the tree, after `intend` has written that commit down. Undefined
   * where the branch is not at `onto` any more: combine again.
   */
  land(request: LandingRequest, intend: (commit: string) => void): Promise<string | undefined>;
  /** Whether a commit is part of the integration branch. */
  hasLanded(commit: string): Promise<boolean>;
}

/** The attempt that another one continues. */
export interface Previous {
  readonly attempt: Attempt;
  readonly outcome: AttemptOutcome;
  /** The commit that holds all of its work, where that is done: nothing that came to be after it belongs to it. */
  readonly change?: string;
}
