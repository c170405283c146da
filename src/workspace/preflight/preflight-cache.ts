import { constants, realpathSync } from 'node:fs';
import { access, readdir, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative } from 'node:path';
import type { TreeFacts } from './worktree-needs.ts';

/** Where worktrees would be made, and how many. */
export interface CacheNeeds {
  /** The folder that holds them. */
  readonly root: string;
  readonly workers: number;
  readonly statfs: (path: string) => Promise<FreeSpace>;
}

/** As `statfs` of `node:fs/promises` tells it. */
export interface FreeSpace {
  readonly bavail: number;
  readonly bsize: number;
  /** 0 where the file system does not count its files. */
  readonly files: number;
  readonly ffree: number;
}

/** Why worktrees cannot be made there, and what mends it; undefined where they can. */
export async function inspectCache({
  root,
  workers,
  statfs,
  top,
  tree,
}: CacheNeeds & { readonly top: string; readonly tree: TreeFacts }): Promise<
  readonly [message: string, fix: string] | undefined
> {
  const folder = await nearestFolder(root);
  const real = join(realpathSync(folder), relative(folder, root));
  if (!isOutside(realpathSync(top), real))
    return [
      `worktrees would be made in ${root}, inside of the repository itself`,
      'Set workspace.root to a directory outside of it.',
    ];
  const problem = await unwritable(folder);
  if (problem !== undefined)
    return [
      `worktrees cannot be made in ${root}: ${problem}`,
      'Make it writable for you, or set workspace.root to another directory.',
    ];
  const missing = Math.max(0, workers + FOR_GATES - (await slotsIn(root)));
  const { bavail, bsize, files, ffree } = await statfs(folder);
  const needed = missing * tree.bytes;
  if (bavail * bsize < needed)
    return [
      `${missing} worktrees need about ${Math.ceil(needed / 1e6)} MB in ${root}, where ${Math.floor((bavail * bsize) / 1e6)} MB are free`,
      FREE_SPACE,
    ];
  const inodes = missing * tree.inodes;
  if (files > 0 && ffree < inodes)
    return [
      `${missing} worktrees need about ${inodes} files (inodes) in ${root}, where ${ffree} are free`,
      FREE_SPACE,
    ];
  return undefined;
}

/** Verify commands get a worktree of their own. */
const FOR_GATES = 1;
const FREE_SPACE = 'Free some space, set workspace.root to another disk, or run with fewer workers.';

/** The directory itself, or what of its path is there already. */
async function nearestFolder(path: string): Promise<string> {
  const found = await stat(path).catch(() => undefined);
  return found !== undefined || path === dirname(path) ? path : nearestFolder(dirname(path));
}

function isOutside(top: string, path: string): boolean {
  const way = relative(top, path);
  return isAbsolute(way) || way === '..' || way.startsWith('../') || way.startsWith('..\\');
}

async function unwritable(folder: string): Promise<string | undefined> {
  if (!(await stat(folder)).isDirectory()) return `${folder} is not a directory`;
  const writable = await access(folder, constants.W_OK | constants.X_OK).then(
    () => true,
    () => false,
  );
  return writable ? undefined : `you may not write to ${folder}`;
}

/** Worktrees that are there from earlier runs. */
async function slotsIn(root: string): Promise<number> {
  const names = await readdir(root).catch(() => []);
  return names.filter((name) => /^(?:w\d+|gates)$/.test(name)).length;
}
