import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { GitResult } from '../git/git.ts';

/** What HEAD holds, as far as it matters to worktrees. */
export interface TreeFacts {
  readonly paths: readonly string[];
  readonly submodules: readonly string[];
  /** Two paths that are one on a disk that does not tell cases apart. */
  readonly sameButCase: readonly [string, string] | null;
  /** What the files of one worktree take on a disk, in bytes, and how many files and folders they are. */
  readonly bytes: number;
  readonly inodes: number;
}

type Ask = (args: readonly string[]) => Promise<GitResult>;

/** Lists the files of HEAD; a string tells why that failed. */
export async function readTree(ask: Ask): Promise<TreeFacts | string> {
  // The sizes of files that a partial clone has not fetched would be fetched one by one.
  const sized = await ask(['-c', 'protocol.allow=never', 'ls-tree', '-r', '-l', '-z', '--full-tree', 'HEAD']);
  if (sized.exitCode === 0) return factsOf(sized.stdout);
  const plain = await ask(['ls-tree', '-r', '-z', '--full-tree', 'HEAD']);
  return plain.exitCode === 0 ? factsOf(plain.stdout) : plain.stderr.trim();
}

/** Why files kept by Git LFS would not come to worktrees, and what mends it; undefined where they come or there are none. */
export async function missingLfs(
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
/** What file systems give to files. */
const BLOCK = 4096;
/** For files of which the size is not known. */
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
