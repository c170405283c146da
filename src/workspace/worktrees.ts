import { Failed } from '../domain/failure.ts';
import { GitFailed } from './git/git.ts';
import { createChanges } from './worktree-changes.ts';
import { WorktreeRun, type WorktreesOptions } from './worktree-run.ts';
import type { Workspaces } from './workspace.ts';

/** Gives each attempt a git worktree and a branch of its own, and lands what comes out on an integration branch. */
export function createWorktrees(options: WorktreesOptions): Workspaces {
  let run: WorktreeRun | undefined;
  const begun = (): WorktreeRun => {
    if (run === undefined) throw new Error('begin() comes before everything else.');
    return run;
  };
  return {
    description: null,
    changes: createChanges(begun, options.protectedPaths),
    async begin(runId, unfinished) {
      const { run: open, notes } = await orFailed(() => WorktreeRun.begin(options, runId, unfinished));
      run = open;
      return notes;
    },
    acquire: (request, signal) => begun().acquire(request, signal),
    reopen: (attempt) => begun().reopen(attempt),
    release: (workspace, landed, why) => begun().release(workspace, landed, why),
    deliver: () => begun().deliver(),
  };
}

/** What git or the disk can do wrong before anything is started is a person's to mend; a bug stays one. */
export async function orFailed<T>(begin: () => Promise<T>): Promise<T> {
  try {
    return await begin();
  } catch (error) {
    const isExpected = error instanceof GitFailed || (error instanceof Error && 'code' in error);
    if (!isExpected) throw error;
    throw new Failed(
      {
        reason: 'repository-unusable',
        message: `No worktrees can be made ready: ${error.message}`,
        fix: 'Mend that (`check` looks at git, the repository and the disk), then `run` again. Nothing was started.',
      },
      { cause: error },
    );
  }
}
