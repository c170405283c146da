import { readFileSync } from 'node:fs';
import { lstat, readdir, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ABSENT, readCheckout, type Checkout, type Entry } from './checkout.ts';
import type { Git } from '../git/git.ts';

/** How one file changes when a checkout goes from one tree to another. */
export interface FileChange {
  readonly path: string;
  readonly from: Entry;
  readonly to: Entry;
  /** What the index holds. */
  readonly index: Entry;
}

/** What of the user's would be touched by moves. */
export interface Obstacles {
  /** Tracked files with changes of theirs. */
  readonly edits: readonly string[];
  /** Files that git does not track, ignored ones too. */
  readonly files: readonly string[];
}

/** The moves that bring a checkout from tree `from` to tree `to`. */
export async function fileChangesBetween(
  git: Git,
  { top, head, paths }: Checkout,
  from: string,
  to: string,
): Promise<FileChange[]> {
  const [before, after] = await Promise.all([
    from === head ? new Map<string, Difference>() : differences(git, top, head, from),
    differences(git, top, head, to),
  ]);
  const moves: FileChange[] = [];
  for (const path of new Set([...before.keys(), ...after.keys()])) {
    const atHead = before.get(path)?.from ?? after.get(path)?.from ?? ABSENT;
    const move = {
      path,
      from: before.get(path)?.to ?? atHead,
      to: after.get(path)?.to ?? atHead,
      index: paths.get(path)?.index ?? atHead,
    };
    if (move.from !== move.to) moves.push(move);
  }
  return moves;
}

/** Finds everything of the user's that moves would overwrite, remove or bring back, or that git would stop at. */
export async function findObstacles(
  { top, paths }: Checkout,
  moves: readonly FileChange[],
): Promise<Obstacles> {
  const isTheirs = ({ path, from, index }: FileChange) => index !== from || paths.get(path)?.edited === true;
  const open = moves.filter(isPending);
  const cleared = new Set(open.filter(({ to }) => to === ABSENT).map(({ path }) => path));
  const edits = new Set(open.filter(isTheirs).map(({ path }) => path));
  const files = new Set<string>();
  for (const move of open) {
    if (move.from !== ABSENT || isTheirs(move)) continue;
    for (const file of await findBlocking(top, move.path, cleared)) files.add(file);
  }
  // Taken out of the index by the user already, and kept on disk: git does not bring the rest while it is there.
  for (const { path } of moves.filter((move) => !isPending(move) && move.to === ABSENT)) {
    const found = await lstatOf(join(top, path));
    if (found === undefined || found.isDirectory()) continue;
    if (paths.get(path)?.intended === true) edits.add(path);
    else files.add(path);
  }
  return { edits: [...edits], files: [...files] };
}

/** Whether the index does not yet hold what it shall. */
export function isPending({ index, to }: FileChange): boolean {
  return index !== to;
}

interface Difference {
  readonly from: Entry;
  readonly to: Entry;
}

async function differences(
  git: Git,
  directory: string,
  from: string,
  to: string,
): Promise<Map<string, Difference>> {
  const args = ['diff-tree', '-r', '-z', '--raw', '--no-abbrev', '--no-renames', '--no-relative', from, to];
  const fields = (await git.run(args, { directory })).split('\0');
  const found = new Map<string, Difference>();
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const [oldMode = '', newMode = '', oldId = '', newId = ''] = (fields[at] ?? '').slice(1).split(' ');
    found.set(fields[at + 1] ?? '', { from: entry(oldMode, oldId), to: entry(newMode, newId) });
  }
  return found;
}

function entry(mode: string, id: string): Entry {
  return /^0+$/.test(mode) ? ABSENT : `${mode} ${id}`;
}

/** Git overwrites what is ignored without a word, so the disk itself is asked. */
async function findBlocking(top: string, path: string, cleared: ReadonlySet<string>): Promise<string[]> {
  if (path.includes(NOT_UTF8)) return (await isTaken(top, path)) ? [path] : [];
  for (const parent of parentsOf(path)) {
    const found = await lstatOf(join(top, parent));
    if (found === undefined) return [];
    if (!found.isDirectory()) return cleared.has(parent) ? [] : [parent];
  }
  const found = await lstatOf(join(top, path));
  if (found === undefined) return [];
  if (!found.isDirectory()) return [path];
  const inside = await readdir(join(top, path), { recursive: true, withFileTypes: true });
  const kept = inside
    .filter((file) => !file.isDirectory())
    .map((file) => join(file.parentPath, file.name).slice(join(top, '/').length));
  return kept.every((file) => cleared.has(file)) ? [] : [path];
}

/** What a byte reads as that is not UTF-8. */
export const NOT_UTF8 = '\uFFFD';

/** Whether something is there, or may be, whose name reads like that: a name that is not UTF-8 has no text of its own. */
async function isTaken(top: string, path: string): Promise<boolean> {
  let folder = Buffer.from(top);
  for (const part of path.split('/')) {
    let names: Buffer[];
    try {
      names = await readdir(folder, { encoding: 'buffer' });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOTDIR') return true;
      throw error;
    }
    const [found, ...others] = names.filter((name) => name.toString() === part);
    if (found === undefined) return false;
    if (others.length > 0) return true;
    folder = Buffer.concat([folder, Buffer.from('/'), found]);
  }
  return true;
}

/** The folders that a path is in, outermost first. */
function parentsOf(path: string): string[] {
  const parent = dirname(path);
  return parent === '.' ? [] : [...parentsOf(parent), parent];
}

async function lstatOf(file: string) {
  try {
    return await lstat(file);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

/**
 * Takes back what a command did to files before it failed (a full disk, a folder without permission). To be called only
 * for moves that had nothing of the user's in their way.
 */
export async function undoFileChanges(git: Git, moves: readonly FileChange[]): Promise<void> {
  const checkout = await readCheckout(git);
  if (checkout === undefined) return;
  const { top, paths } = checkout;
  for (const { path, from } of moves) {
    if (from !== ABSENT || paths.has(path)) continue;
    await rm(join(top, path), { force: true }).catch(() => undefined);
    await removeEmptyParents(top, path);
  }
  const changed = moves.filter(({ path, from }) => from !== ABSENT && paths.get(path)?.edited === true);
  if (changed.length === 0) return;
  await git.attempt(['checkout-index', '--force', '-z', '--stdin'], {
    directory: top,
    input: changed.map(({ path }) => `${path}\0`).join(''),
  });
}

/** Ends a merge that did not become a commit, such as one that a hook refused. The index held nothing of the user's. */
export async function undoMerge(
  git: Git,
  { top, gitDirectory, head, tip }: { top: string; gitDirectory: string; head: string; tip: string },
): Promise<void> {
  if (mergeHead(gitDirectory) !== tip) return;
  const { exitCode } = await git.attempt(['merge', '--abort'], { directory: top });
  if (exitCode === 0) return;
  // A hook has changed files as well: `undoFileChanges` writes them anew from the index.
  await git.attempt(['read-tree', '--reset', head], { directory: top });
  await git.attempt(['merge', '--quit'], { directory: top });
}

function mergeHead(gitDirectory: string): string | undefined {
  try {
    return readFileSync(join(gitDirectory, 'MERGE_HEAD'), 'utf8').trim();
  } catch {
    return undefined;
  }
}

async function removeEmptyParents(top: string, path: string): Promise<void> {
  for (let parent = dirname(path); parent !== '.'; parent = dirname(parent)) {
    const removed = await rmdir(join(top, parent)).then(
      () => true,
      () => false,
    );
    if (!removed) return;
  }
}
