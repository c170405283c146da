import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Git } from '../git/git.ts';
import { ownerOfWork } from '../git/ref-names.ts';
import { LEFT, inspectSlot, isBeingWritten, moveNested } from './slot-worktree.ts';
import { forgetNoted } from '../snapshots/worker-refs.ts';
import { readSlotState, type SlotState } from './slot-state.ts';
import type { Snapshots } from '../snapshots/snapshots.ts';

/** A worktree of the pool. */
export interface PooledWorktree {
  readonly directory: string;
  /** Null where nobody works in it and all that was written in it is kept; else why it has to stay. */
  readonly inUse: string | null;
}

/** The worktrees below `root`, whoever works in them. */
export async function listWorktrees(root: string, commonDirectory: string): Promise<PooledWorktree[]> {
  const names: readonly string[] = await readdir(root).catch(() => []);
  const slots = names.filter((name) => name !== LEFT && names.includes(`${name}.json`));
  return Promise.all(
    slots.map(async (name) => {
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
  if (state.occupant !== null) return { why: `it holds work of task ${state.occupant.taskId}` };
  const condition = inspectSlot(directory, commonDirectory);
  if (condition.kind === 'locked') return { why: 'somebody has locked it, or put something else there' };
  if (condition.kind !== 'sound') return { why: 'it is no worktree of ours any more' };
  return isBeingWritten(condition.admin)
    ? { why: 'git is at work in it' }
    : { state, admin: condition.admin };
}

/** What the removal of a worktree needs of its repository. */
export interface RemovalOptions {
  readonly git: Git;
  readonly snapshots: Snapshots;
  readonly root: string;
  readonly commonDirectory: string;
  /** A commit that is there. */
  readonly base: string;
}

/**
 * Removes an idle worktree; whatever came to be in it since is kept first. Returns why not, or undefined when it is
 * gone. Whoever calls it holds the project, so that no run gives it to a task meanwhile.
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
  const { unread } = await snapshots.keep(directory, request);
  if (unread !== '') return `git cannot read all of it: ${unread}`;
  await moveNested(git, directory, admin, base, join(root, LEFT));
  await git.exclusive(() => git.run(['worktree', 'remove', '--force', directory]));
  await rm(`${directory}.json`, { force: true });
  forgetNoted(directory);
  return undefined;
}
