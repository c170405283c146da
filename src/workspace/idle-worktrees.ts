import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Git } from './git.ts';
import { ownerOfWork } from './own-refs.ts';
import { inspectSlot } from './slot-condition.ts';
import { forgetNoted } from './shared-refs.ts';
import { isBeingWritten, LEFT, moveNested } from './slot.ts';
import { readSlotState } from './slot-state.ts';
import type { Snapshots } from './snapshots.ts';

/** A worktree of the pool. */
export interface PooledWorktree {
  readonly directory: string;
  /** Null where nobody works in it and all that was written in it is kept; else why it has to stay. */
  readonly inUse: string | null;
}

/** The worktrees below `root`, whoever works in them. */
export async function listWorktrees(root: string): Promise<PooledWorktree[]> {
  const names: readonly string[] = await readdir(root).catch(() => []);
  const slots = names.filter((name) => name !== LEFT && names.includes(`${name}.json`));
  return Promise.all(
    slots.map(async (name) => {
      const directory = join(root, name);
      const state = await readSlotState(directory);
      if (state === undefined) return { directory, inUse: 'nothing is known of what is in it' };
      const { occupant } = state;
      return { directory, inUse: occupant === null ? null : `it holds work of task ${occupant.taskId}` };
    }),
  );
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
  const state = await readSlotState(directory);
  const condition = inspectSlot(directory, commonDirectory);
  if (state === undefined || state.occupant !== null) return 'it holds work that is not kept yet';
  if (condition.kind !== 'sound') return 'it is no worktree of ours any more';
  if (isBeingWritten(condition.admin)) return 'git is at work in it';
  const owner = ownerOfWork(state.branch ?? '') ?? { runId: 'unknown', taskId: '0' };
  const why = 'before its worktree was removed';
  const request = { ...owner, why, base: state.base ?? base, without: state.copied };
  const { unread } = await snapshots.keep(directory, request);
  if (unread !== '') return `git cannot read all of it: ${unread}`;
  await moveNested(git, directory, condition.admin, base, join(root, LEFT));
  await git.exclusive(() => git.run(['worktree', 'remove', '--force', directory]));
  await rm(`${directory}.json`, { force: true });
  forgetNoted(directory);
  return undefined;
}
