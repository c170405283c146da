import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Failed, type Failure } from '../domain/failure.ts';
import { Git, isGitOrDiskError, type GitOptions, type GitResult } from './git/git.ts';
import { prepareIntegration } from './landing/integration-branch.ts';
import type { Workspaces } from './workspace.ts';
import { createChanges } from './worktree-changes.ts';
import { WorktreeRun, type WorktreesOptions } from './worktree-run.ts';

/** Gives each attempt a git worktree and a branch of its own, and lands changes on an integration branch. */
export function createWorktrees(options: WorktreesOptions): Workspaces {
  let run: WorktreeRun | undefined;
  const begun = (): WorktreeRun => {
    if (run === undefined) throw new Error('begin() must be called first.');
    return run;
  };
  return {
    description: null,
    changes: createChanges(begun, options.protectedPaths),
    async begin(runId, unfinished) {
      const { run: open, notes } = await failIfUnusable(() => WorktreeRun.begin(options, runId, unfinished));
      run = open;
      return notes;
    },
    acquire: (request, signal) => begun().acquire(request, signal),
    reopen: (attempt) => begun().reopen(attempt),
    release: (workspace, landed, why) => begun().release(workspace, landed, why),
    deliver: () => begun().deliver(),
  };
}

/** Turns an error of git or the disk into `Failed`, since a person can fix it. Other errors are bugs: thrown. */
async function failIfUnusable<T>(begin: () => Promise<T>): Promise<T> {
  try {
    return await begin();
  } catch (error) {
    if (!isGitOrDiskError(error)) throw error;
    throw new Failed(
      {
        reason: 'repository-unusable',
        message: `No worktrees can be prepared: ${error.message}`,
        fix: 'Fix that (`check` looks at git, the repository and the disk), then `run` again. Nothing was started.',
      },
      { cause: error },
    );
  }
}

/**
 * Returns why a run could not bring its integration branch up to date; undefined where it could. It does the same as a
 * run, but moves no ref and throws away the objects that it writes.
 */
export async function checkIntegration(
  directory: string,
  environment: Readonly<Record<string, string | undefined>>,
  branch: string | null,
): Promise<Failure | undefined> {
  try {
    await failIfUnusable(async () => {
      const scratch = await mkdtemp(join(tmpdir(), 'claude-orchestrator-'));
      try {
        const objects = ['rev-parse', '--path-format=absolute', '--git-path', 'objects'];
        const kept = await new Git(directory, environment).run(objects);
        await prepareIntegration(new ScratchGit(directory, environment, { scratch, kept }), branch);
      } finally {
        await rm(scratch, { recursive: true, force: true });
      }
    });
    return undefined;
  } catch (error) {
    if (!(error instanceof Failed)) throw error;
    return error.failure;
  }
}

/** Git whose commands read the objects of the repository and write new ones to another folder. */
class ScratchGit extends Git {
  readonly #objects: Readonly<Record<string, string>>;

  constructor(
    directory: string,
    environment: Readonly<Record<string, string | undefined>>,
    { scratch, kept }: { readonly scratch: string; readonly kept: string },
  ) {
    super(directory, environment);
    this.#objects = {
      GIT_OBJECT_DIRECTORY: scratch,
      GIT_ALTERNATE_OBJECT_DIRECTORIES: `"${kept.replace(/["\\]/g, '\\$&')}"`,
    };
  }

  override attempt(args: readonly string[], options: GitOptions = {}): Promise<GitResult> {
    return super.attempt(args, { ...options, environment: { ...options.environment, ...this.#objects } });
  }
}
