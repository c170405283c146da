import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { GitFailed, type Git, type GitResult } from '../git/git.ts';
import { PrivateIndex, type WorkTree } from '../git/private-index.ts';

/** The content of a directory as git stores it. */
export interface Captured {
  readonly tree: string;
  /** What git said about files that it could not read; empty where everything is captured. */
  readonly unread: string;
  /** Whether the directory has repositories in it, submodules included. */
  readonly hasRepositories: boolean;
  /** Folders of submodules. The tree has only a commit of each. */
  readonly submodules: readonly string[];
}

/**
 * Writes all files of a worktree that are not ignored as a tree, without touching its index. Files may change
 * meanwhile. `fallback` is a commit to start from where the worktree's own index cannot be used. New files of `without`
 * are excluded, ignored or not. With `takesIndex`, the worktree's index becomes that of the tree, if every file could
 * be read.
 */
export async function captureTree(
  git: Git,
  place: WorkTree,
  fallback: string | null,
  {
    without = [],
    takesIndex = false,
  }: { readonly without?: readonly string[]; readonly takesIndex?: boolean } = {},
): Promise<Captured> {
  const index = new PrivateIndex(git, place, INDEX_NAME);
  const ownIndex = join(place.gitDirectory, 'index');
  try {
    let failed: unknown;
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const last = attempt === ATTEMPTS;
      try {
        const copied = place.linked && !last && (await index.copyFrom(ownIndex));
        if (!copied) await index.readFrom(fallback);
        const captured = await captureWith(git, place, index, { partly: last, without });
        if (takesIndex && place.linked && captured.unread === '') await index.moveTo(ownIndex);
        return captured;
      } catch (error) {
        // A worker may be at work: a file can vanish or shrink after it was found and before it is read.
        if (!(error instanceof GitFailed)) throw error;
        failed = error;
      }
    }
    throw failed;
  } finally {
    index.remove();
  }
}

const INDEX_NAME = 'orchestrator-index';
const ATTEMPTS = 5;

/** `partly`: files that cannot be read are skipped; otherwise they make the capture fail. */
async function captureWith(
  git: Git,
  place: WorkTree,
  index: PrivateIndex,
  { partly, without }: { readonly partly: boolean; readonly without: readonly string[] },
): Promise<Captured> {
  const { embedded, links } = await prepare(place.directory, index);
  let hasRepositories = links.length > 0;
  const foreign = await untracked(index, without);
  let added = await add(index, embedded, partly);
  if (/embedded git repository|not have a commit checked out/.test(added.stderr)) {
    hasRepositories = true;
    // Git would store only their current commit, and no repository of the user's has that commit.
    for (const path of await embeddedRepositories(place.directory, index)) embedded.add(path);
    added = await add(index, embedded, partly);
  }
  if (added.exitCode !== 0 && !(partly && added.exitCode === 1)) throw new GitFailed(['add', '-A'], added);
  const unread = added.exitCode === 0 ? [] : [added.stderr.trim()];
  for (const path of embedded) {
    const inner = await captureEmbedded(git, place, path, partly);
    await apply(index, '--force-remove', [path]);
    await index.run(['read-tree', `--prefix=${path}/`, inner.tree]);
    if (inner.unread !== '') unread.push(inner.unread);
  }
  await apply(index, '--force-remove', foreign);
  const tree = await index.run(['write-tree']);
  const submodules = links.filter((path) => !embedded.has(path));
  return { tree, unread: unread.join('\n'), hasRepositories, submodules };
}

/** Those of the paths that the index does not have. */
async function untracked(index: PrivateIndex, paths: readonly string[]): Promise<string[]> {
  if (paths.length === 0) return [];
  const tracked = new Set((await index.run(['ls-files', '-z'])).split('\0'));
  return paths.filter((path) => !tracked.has(path));
}

/**
 * Makes git look at every file again. Returns the repositories of which the index has only a commit (`links`), and
 * those of them that `.gitmodules` does not list (`embedded`).
 */
async function prepare(
  directory: string,
  index: PrivateIndex,
): Promise<{ readonly embedded: Set<string>; readonly links: readonly string[] }> {
  const assumed: string[] = [];
  const skipped: string[] = [];
  const links: string[] = [];
  for (const entry of (await index.run(['ls-files', '-v', '-s', '-z'])).split('\0')) {
    const [tag, mode] = [entry[0], entry.slice(2, 8)];
    if (tag === 'H' && mode !== GITLINK) continue;
    const path = entry.slice(entry.indexOf('\t') + 1);
    if (tag === 'S' || tag === 's') skipped.push(path);
    if (tag === 'h' || tag === 's') assumed.push(path);
    if (mode === GITLINK) links.push(path);
  }
  // A file that git was told to take for unchanged may have been changed.
  await apply(index, '--no-assume-unchanged', assumed);
  await apply(index, '--no-skip-worktree', await presentUnlessSparse(directory, index, skipped));
  const embedded = links.length === 0 ? new Set<string>() : await withoutSubmodules(directory, index, links);
  return { embedded, links };
}

const GITLINK = '160000';

async function apply(index: PrivateIndex, flag: string, paths: readonly string[]): Promise<void> {
  if (paths.length > 0) await index.run(['update-index', flag, '-z', '--stdin'], paths.join('\0'));
}

/** The skipped files that exist. In a sparse checkout, git itself handles them, so none is returned. */
async function presentUnlessSparse(
  directory: string,
  index: PrivateIndex,
  paths: readonly string[],
): Promise<string[]> {
  if (paths.length === 0) return [];
  const { stdout } = await index.attempt(['config', '--type=bool', '--get', 'core.sparseCheckout']);
  if (stdout.trim() === 'true') return [];
  return filterAsync(paths, (path) => exists(join(directory, path)));
}

/** Those that hold a repository although `.gitmodules` does not list them. */
async function withoutSubmodules(
  directory: string,
  index: PrivateIndex,
  links: readonly string[],
): Promise<Set<string>> {
  const paths = ['--get-regexp', String.raw`^submodule\..*\.path$`];
  const { stdout } = await index.attempt(['config', '-z', '-f', join(directory, '.gitmodules'), ...paths]);
  const known = new Set(stdout.split('\0').map((entry) => entry.slice(entry.indexOf('\n') + 1)));
  const unknown = links.filter((path) => !known.has(path));
  return new Set(await filterAsync(unknown, (path) => exists(join(directory, path, '.git'))));
}

async function add(index: PrivateIndex, without: ReadonlySet<string>, partly: boolean): Promise<GitResult> {
  const excluded = [...without].map((path) => `:(top,exclude,literal)${path}`);
  const errors = partly ? ['--ignore-errors'] : [];
  return index.attempt(['add', '-A', '--sparse', ...errors, '--', ':(top)', ...excluded]);
}

/** Git lists an embedded repository as a directory before it is added, and as a commit afterwards. */
async function embeddedRepositories(directory: string, index: PrivateIndex): Promise<string[]> {
  const staged = (await index.run(['ls-files', '-s', '-z'])).split('\0');
  const links = staged.flatMap((entry) =>
    entry.startsWith(GITLINK) ? [entry.slice(entry.indexOf('\t') + 1)] : [],
  );
  const untracked = (await index.run(['ls-files', '-o', '--exclude-standard', '-z'])).split('\0');
  const inner = untracked.flatMap((path) => (path.endsWith('/') ? [path.slice(0, -1)] : []));
  return [...(await withoutSubmodules(directory, index, links)), ...inner];
}

/** Captures the files of a repository within the worktree. They may be the work; its history is not kept here. */
async function captureEmbedded(git: Git, place: WorkTree, path: string, partly: boolean): Promise<Captured> {
  const inner = { ...place, directory: join(place.directory, path) };
  const name = `${INDEX_NAME}-${Buffer.from(path).toString('hex').slice(-100)}`;
  const index = new PrivateIndex(git, inner, name);
  try {
    await index.readFrom(null);
    return await captureWith(git, inner, index, { partly, without: [] });
  } finally {
    index.remove();
  }
}

async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}

async function filterAsync<T>(items: readonly T[], test: (item: T) => Promise<boolean>): Promise<T[]> {
  const kept = await Promise.all(items.map(test));
  return items.filter((_, position) => kept[position]);
}
