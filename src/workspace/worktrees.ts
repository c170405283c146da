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
    description:
      'each task works in a git worktree of its own; your uncommitted changes are not in it, and are not touched',
    changes: createChanges(begun, options.protectedPaths),
    async begin(runId, unfinished) {
      const { run: open, notes } = await WorktreeRun.begin(options, runId, unfinished);
      run = open;
      return notes;
    },
    acquire: (request, signal) => begun().acquire(request, signal),
    reopen: (attempt) => begun().reopen(attempt),
    release: (workspace, landed) => begun().release(workspace, landed),
    deliver: () => begun().deliver(),
  };
}
