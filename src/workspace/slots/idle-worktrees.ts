import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Git } from '../git/git.ts';
import { ownerOfWork } from '../git/ref-names.ts';
import type { Snapshots } from '../snapshots/snapshots.ts';
import { removeRefsBaseline } from '../snapshots/worker-refs.ts';
import type { Layout } from './layout.ts';
import { readSlotState, type SlotState } from './slot-state.ts';
import { inspectSlot, isBeingWritten, moveNestedRepositories } from './slot-worktree.ts';

/** A worktree of the pool. */
export interface PooledWorktree {
  readonly directory: string;
  /** Why it has to stay; null where nobody works in it and everything that was written in it is kept. */
  readonly inUse: string | null;
}

/** Lists all worktrees of the pool below `root`. */
export async function listWorktrees(root: string, commonDirectory: string): Promise<PooledWorktree[]> {
  const names: readonly string[] = await readdir(root).catch(() => []);
  return Promise.all(
    names
      .filter((name) => names.includes(`${name}.json`))
      .map(async (name) => {
        const directory = join(root, name);
        const found = await findIdle(directory, commonDirectory);
        return { directory, inUse: 'why' in found ? found.why : null };
      }),
  );
}

/** What is known of a worktree in which nobody works, or why it has to stay. */
async function findIdle(
  directory: string,
  commonDirectory: string,
): Promise<{ readonly state: SlotState; readonly admin: string } | { readonly why: string }> {
  const state = await readSlotState(directory);
  if (state === undefined) return { why: 'nothing is known of what is in it' };
  if (state.holder !== null) return { why: `it holds work of task ${state.holder.taskId}` };
  const status = inspectSlot(directory, commonDirectory);
  if (status.kind === 'locked') return { why: 'somebody has locked it, or put something else there' };
  if (status.kind !== 'intact') return { why: 'it is no longer a worktree of this tool' };
  return isBeingWritten(status.admin) ? { why: 'git is at work in it' } : { state, admin: status.admin };
}

/** What the removal of a worktree needs of its repository. */
export interface RemovalOptions extends Pick<Layout, 'root' | 'commonDirectory'> {
  readonly git: Git;
  readonly snapshots: Snapshots;
  /** A commit that exists. */
  readonly base: string;
}

/**
 * Removes an idle worktree after a snapshot of what was written in it since. Returns why it could not be removed;
 * undefined when it is gone. The caller holds the project, so no run gives the worktree to a task meanwhile.
 */
export async function removeWorktree(
  directory: string,
  { git, snapshots, root, commonDirectory, base }: RemovalOptions,
): Promise<string | undefined> {
  const found = await findIdle(directory, commonDirectory);
  if ('why' in found) return found.why;
  const { state, admin } = found;
  const owner = ownerOfWork(state.branch ?? '') ?? { runId: 'unknown', taskId: '0' };
  const why = 'before its worktree was removed';
  const request = { ...owner, why, base: state.base ?? base, without: state.copied };
  const { unread } = await snapshots.take(directory, request);
  if (unread !== '') return `git cannot read all of it: ${unread}`;
  await moveNestedRepositories(git, { slot: directory, root, admin }, base);
  await git.exclusive(() => git.run(['worktree', 'remove', '--force', directory]));
  await rm(`${directory}.json`, { force: true });
  removeRefsBaseline(directory);
  return undefined;
}
