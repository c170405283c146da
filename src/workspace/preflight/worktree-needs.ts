import { constants, realpathSync } from 'node:fs';
import { access, readFile, readdir, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative } from 'node:path';
import type { GitResult } from '../git/git.ts';

/** What worktrees of HEAD depend on. */
export interface TreeFacts {
  readonly paths: readonly string[];
  readonly submodules: readonly string[];
  /** Two paths that are the same on a disk that ignores case. */
  readonly sameButCase: readonly [string, string] | null;
  /** The disk space of one worktree in bytes, and the number of its files and folders. */
  readonly bytes: number;
  readonly inodes: number;
}

type Ask = (args: readonly string[]) => Promise<GitResult>;

/** Reads the files of HEAD; a string says why that failed. */
export async function readTree(ask: Ask): Promise<TreeFacts | string> {
  // Without this setting, git would fetch the files that a partial clone lacks one by one, to learn their sizes.
  const sized = await ask(['-c', 'protocol.allow=never', 'ls-tree', '-r', '-l', '-z', '--full-tree', 'HEAD']);
  if (sized.exitCode === 0) return factsOf(sized.stdout);
  const plain = await ask(['ls-tree', '-r', '-z', '--full-tree', 'HEAD']);
  return plain.exitCode === 0 ? factsOf(plain.stdout) : plain.stderr.trim();
}

/** Returns why worktrees would not get files of Git LFS, and the fix; undefined where they would or there are none. */
export async function checkLfs(
  ask: Ask,
  { paths }: TreeFacts,
  { top, gitDirectory }: { top: string; gitDirectory: string },
): Promise<readonly [message: string, fix: string] | undefined> {
  const attributes = paths.filter((path) => path === ATTRIBUTES || path.endsWith(`/${ATTRIBUTES}`));
  const files = [...attributes.map((path) => join(top, path)), join(gitDirectory, 'info', 'attributes')];
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8').catch(() => '')));
  if (!texts.some((text) => /\sfilter=lfs\b/.test(text))) return undefined;
  const [kept, program, filter] = await Promise.all([
    ask(['ls-files', '-z', '--', ':(top,attr:filter=lfs)']),
    ask(['lfs', 'version']),
    ask(['config', '--get-regexp', '^filter\\.lfs\\.(process|smudge)$']),
  ]);
  if (kept.stdout === '') return undefined;
  const file = kept.stdout.split('\0', 1)[0] ?? '';
  if (program.exitCode !== 0)
    return [
      `Git LFS keeps files of this repository, such as ${file}, but git-lfs is not installed`,
      'Install it (https://git-lfs.com), then run `git lfs install` and `git lfs pull`.',
    ];
  if (filter.exitCode !== 0)
    return [
      `Git LFS keeps files of this repository, such as ${file}, but it is not set up, so worktrees would not get them`,
      'Run `git lfs install` and `git lfs pull`.',
    ];
  return undefined;
}

const ATTRIBUTES = '.gitattributes';
/** The unit in which file systems assign space. */
const BLOCK = 4096;
/** The assumed size of a file whose size is not known. */
const TYPICAL_BYTES = 2 * BLOCK;

function factsOf(listing: string): TreeFacts {
  const paths: string[] = [];
  const submodules: string[] = [];
  const folders = new Set<string>();
  const folded = new Map<string, string>();
  let sameButCase: readonly [string, string] | null = null;
  let bytes = 0;
  for (const line of listing.split('\0')) {
    if (line === '') continue;
    const tab = line.indexOf('\t');
    const path = line.slice(tab + 1);
    const [mode, , , size] = line.slice(0, tab).split(/ +/);
    paths.push(path);
    if (mode === '160000') submodules.push(path);
    else bytes += size === undefined ? TYPICAL_BYTES : Math.ceil(Number(size) / BLOCK) * BLOCK;
    folders.add(path.slice(0, path.lastIndexOf('/') + 1));
    const lower = path.toLowerCase();
    sameButCase ??= pairOf(folded.get(lower), path);
    folded.set(lower, path);
  }
  return { paths, submodules, sameButCase, bytes, inodes: paths.length + folders.size };
}

function pairOf(first: string | undefined, second: string): readonly [string, string] | null {
  return first === undefined ? null : [first, second];
}

/** Where worktrees would be made, and for how many workers. */
export interface WorktreePlan {
  /** The folder of the worktrees. */
  readonly root: string;
  readonly workers: number;
  readonly statfs: (path: string) => Promise<FreeSpace>;
}

/** The result of `statfs` of `node:fs/promises`. */
export interface FreeSpace {
  readonly bavail: number;
  readonly bsize: number;
  /** 0 where the file system has no limit for files. */
  readonly files: number;
  readonly ffree: number;
}

/** Returns why worktrees cannot be made there, and the fix; undefined where they can. */
export async function checkDisk({
  root,
  workers,
  statfs,
  top,
  tree,
}: WorktreePlan & { readonly top: string; readonly tree: TreeFacts }): Promise<
  readonly [message: string, fix: string] | undefined
> {
  const folder = await findNearestFolder(root);
  const real = join(realpathSync(folder), relative(folder, root));
  if (!isOutside(realpathSync(top), real))
    return [
      `worktrees would be made in ${root}, inside of the repository itself`,
      'Set workspace.root to a directory outside of it.',
    ];
  const problem = await findAccessProblem(folder);
  if (problem !== undefined)
    return [
      `worktrees cannot be made in ${root}: ${problem}`,
      'Make it writable for you, or set workspace.root to another directory.',
    ];
  const missing = Math.max(0, workers + FOR_GATES - (await countSlots(root)));
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

/** Gates get a worktree of their own. */
const FOR_GATES = 1;
const FREE_SPACE = 'Free some space, set workspace.root to another disk, or run with fewer workers.';

/** The directory itself, or the nearest folder above it that exists. */
async function findNearestFolder(path: string): Promise<string> {
  const found = await stat(path).catch(() => undefined);
  return found !== undefined || path === dirname(path) ? path : findNearestFolder(dirname(path));
}

function isOutside(top: string, path: string): boolean {
  const way = relative(top, path);
  return isAbsolute(way) || way === '..' || way.startsWith('../') || way.startsWith('..\\');
}

async function findAccessProblem(folder: string): Promise<string | undefined> {
  if (!(await stat(folder)).isDirectory()) return `${folder} is not a directory`;
  const writable = await access(folder, constants.W_OK | constants.X_OK).then(
    () => true,
    () => false,
  );
  return writable ? undefined : `you may not write to ${folder}`;
}

/** Counts the worktrees that exist from earlier runs. */
async function countSlots(root: string): Promise<number> {
  const names = await readdir(root).catch(() => []);
  return names.filter((name) => /^(?:w\d+|gates)$/.test(name)).length;
}
