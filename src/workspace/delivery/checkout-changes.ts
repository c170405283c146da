import { lstat, readdir, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { NOT_UTF8, type Git } from '../git/git.ts';
import { readRegularFile } from '../git/reflog.ts';
import { ABSENT, readCheckout, type Checkout, type Entry } from './checkout.ts';

/** How one file changes when a checkout goes from one tree to another. */
export interface FileChange {
  readonly path: string;
  readonly from: Entry;
  readonly to: Entry;
  /** What the index holds. */
  readonly index: Entry;
}

/** What the user has that changes would touch. */
export interface Obstacles {
  /** Tracked files that the user has changed. */
  readonly edits: readonly string[];
  /** Files that git does not track, ignored ones too. */
  readonly files: readonly string[];
}

/** Finds the changes that bring a checkout from tree `from` to tree `to`. */
export async function findFileChanges(
  git: Git,
  { top, head, paths }: Checkout,
  from: string,
  to: string,
): Promise<FileChange[]> {
  const [before, after] = await Promise.all([
    from === head ? new Map<string, Difference>() : listDifferences(git, top, head, from),
    listDifferences(git, top, head, to),
  ]);
  const changes: FileChange[] = [];
  for (const path of new Set([...before.keys(), ...after.keys()])) {
    const atHead = before.get(path)?.from ?? after.get(path)?.from ?? ABSENT;
    const change = {
      path,
      from: before.get(path)?.to ?? atHead,
      to: after.get(path)?.to ?? atHead,
      index: paths.get(path)?.index ?? atHead,
    };
    if (change.from !== change.to) changes.push(change);
  }
  return changes;
}

/** Finds everything of the user's that changes would overwrite, remove or bring back, or that would make git refuse. */
export async function findObstacles(
  { top, paths }: Checkout,
  changes: readonly FileChange[],
): Promise<Obstacles> {
  const isTheirs = ({ path, from, index }: FileChange) => index !== from || paths.get(path)?.edited === true;
  const pending = changes.filter(isPending);
  const cleared = new Set(pending.filter(({ to }) => to === ABSENT).map(({ path }) => path));
  const edits = new Set(pending.filter(isTheirs).map(({ path }) => path));
  const files = new Set<string>();
  for (const change of pending) {
    if (change.from !== ABSENT || isTheirs(change)) continue;
    for (const file of await findBlocking(top, change.path, cleared)) files.add(file);
  }
  // The user has removed it from the index and kept the file. Git does not make the other changes while it exists.
  for (const { path } of changes.filter((change) => !isPending(change) && change.to === ABSENT)) {
    const found = await lstatOf(join(top, path));
    if (found === undefined || found.isDirectory()) continue;
    if (paths.get(path)?.intended === true) edits.add(path);
    else files.add(path);
  }
  return { edits: [...edits], files: [...files] };
}

/** Whether the index does not yet have the result of a change. */
export function isPending({ index, to }: FileChange): boolean {
  return index !== to;
}

interface Difference {
  readonly from: Entry;
  readonly to: Entry;
}

async function listDifferences(
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

/** Git overwrites ignored files without a message, so this looks at the disk. */
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

/** Whether there may be a file whose name decodes to this path. Different names that are not UTF-8 decode alike. */
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

/** The folders that a path is in, the outermost one first. */
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
 * Undoes what a command did to files before it failed, such as on a full disk or in a folder without permission. Only
 * for changes that had no obstacle.
 */
export async function undoFileChanges(git: Git, changes: readonly FileChange[]): Promise<void> {
  const checkout = await readCheckout(git);
  if (checkout === undefined) return;
  const { top, paths } = checkout;
  for (const { path, from } of changes) {
    if (from !== ABSENT || paths.has(path)) continue;
    await rm(join(top, path), { force: true }).catch(() => undefined);
    await removeEmptyParents(top, path);
  }
  const changed = changes.filter(({ path, from }) => from !== ABSENT && paths.get(path)?.edited === true);
  if (changed.length === 0) return;
  await git.attempt(['checkout-index', '--force', '-z', '--stdin'], {
    directory: top,
    input: changed.map(({ path }) => `${path}\0`).join(''),
  });
}

/** Undoes a merge that did not become a commit, such as one that a hook refused. The user had staged nothing. */
export async function undoMerge(
  git: Git,
  { top, gitDirectory, head, tip }: { top: string; gitDirectory: string; head: string; tip: string },
): Promise<void> {
  if (readRegularFile(join(gitDirectory, 'MERGE_HEAD')).trim() !== tip) return;
  const { exitCode } = await git.attempt(['merge', '--abort'], { directory: top });
  if (exitCode === 0) return;
  // A hook has changed files too. `undoFileChanges` writes them again from the index.
  await git.attempt(['read-tree', '--reset', head], { directory: top });
  await git.attempt(['merge', '--quit'], { directory: top });
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
