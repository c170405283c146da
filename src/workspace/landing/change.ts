import { isAbsolute, relative, resolve, sep } from 'node:path';
import type { Git } from '../git/git.ts';
import type { Change } from '../workspace.ts';

/**
 * What a commit changes compared with `base`, the newest commit of the integration branch that it contains. `copied` are
 * files that the worktree got from the user's checkout.
 */
export async function findChange(
  git: Git,
  commit: string,
  base: string,
  { guarded, copied }: { readonly guarded: Guarded; readonly copied: ReadonlySet<string> },
): Promise<Change> {
  const between = [base, commit];
  const [tree, baseTree] = await Promise.all([git.treeOf(commit), git.treeOf(base)]);
  const [files, matched, marked] = await Promise.all([
    git.differing(baseTree, tree),
    guarded.pathspecs.length === 0 ? NO_NAMES : names(git, [...between, '--', ...guarded.pathspecs]),
    git.differing(baseTree, tree, CONFLICT_MARK),
  ]);
  const byGit = new Set(matched);
  const protectedFiles = files.filter((file) => byGit.has(file) || isGuarded(guarded, file));
  const unresolved: string[] = [];
  for (const file of marked) if (await addsMarks(git, between, file)) unresolved.push(file);
  const lent = files.filter((file) => copied.has(file));
  // What is tracked at the base is the repository's own by now.
  const tracked =
    lent.length === 0
      ? ''
      : await git.run(['ls-tree', '-r', '-z', '--name-only', '--full-tree', base, '--', ...lent]);
  const own = new Set(tracked.split('\0'));
  return {
    commit,
    tree,
    base,
    baseTree,
    files,
    protectedFiles,
    lent: lent.filter((file) => !own.has(file)),
    unresolved,
  };
}

const NO_NAMES: readonly string[] = [];

/** The extended regular expression by which git knows the lines that it puts around a conflict. */
const CONFLICT_MARK = '^(<<<<<<<|>>>>>>>) ';

/** Paths relative to the repository, as they are. */
async function names(git: Git, args: readonly string[]): Promise<string[]> {
  const output = await git.run(['diff-tree', '-r', '-z', '--name-only', '--no-renames', ...args]);
  return output.split('\0').filter((path) => path !== '');
}

/** A mark that was there before, such as in the fixture of a test, or one that was taken away, is not unresolved. */
async function addsMarks(git: Git, between: readonly string[], file: string): Promise<boolean> {
  const diff = await git.run([
    'diff-tree',
    '-p',
    '-U0',
    '--no-renames',
    '--no-ext-diff',
    '--no-textconv',
    '--no-color',
    ...between,
    '--',
    `:(top,literal)${file}`,
  ]);
  return /^\+(<<<<<<<|>>>>>>>) /m.test(diff);
}

/** What a worker must not change, wherever in the repository it is and in whatever case it is written. */
export interface Guarded {
  /** Files and folders in lower case; `everywhere`: in any folder. */
  readonly plain: readonly { readonly path: string; readonly everywhere: boolean }[];
  /** For git, where something in it stands for many names. */
  readonly pathspecs: readonly string[];
}

/** Finds it for these globs. Some disks make no difference of cases. Hooks that the repository has within itself belong to it. */
export async function guardedPaths(git: Git, globs: readonly string[]): Promise<Guarded> {
  const hooks = await hooksFolder(git);
  const found = globs.flatMap((glob) => {
    const path = glob.replace(/^(\.?\/)+/, '').replace(/(\/\*\*)?\/*$/, '');
    if (path === '') return [];
    return { path, everywhere: !isAbsolute(glob) && !path.includes('/') };
  });
  const isPlain = ({ path }: { readonly path: string }): boolean => !/[*?[\\]/.test(path);
  return {
    plain: [
      ...found.filter(isPlain),
      ...(hooks === undefined ? [] : [{ path: hooks, everywhere: false }]),
    ].map(({ path, everywhere }) => ({ path: lowerCase(path), everywhere })),
    pathspecs: found
      .filter((one) => !isPlain(one))
      .flatMap(({ path, everywhere }) => (everywhere ? [path, `**/${path}`] : [path]))
      .flatMap((path) => [`:(top,glob,icase)${path}`, `:(top,glob,icase)${path}/**`]),
  };
}

/** Whether a file is one of those that are named without anything that stands for many names. */
function isGuarded({ plain }: Guarded, file: string): boolean {
  const name = lowerCase(file);
  return plain.some(
    ({ path, everywhere }) =>
      `${name}/`.startsWith(`${path}/`) || (everywhere && `/${name}/`.includes(`/${path}/`)),
  );
}

/** As git does it: it leaves letters beyond ASCII as they are. */
function lowerCase(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

async function hooksFolder(git: Git): Promise<string | undefined> {
  // With the user's own hooks in force, or the answer would be where ours are switched off to.
  const [configured, top] = await Promise.all([
    git.attempt(['config', '--type=path', '--get', 'core.hooksPath'], { hooks: true }),
    git.run(['rev-parse', '--show-toplevel']),
  ]);
  const path = configured.stdout.trim();
  if (path === '') return undefined;
  const inside = relative(top, resolve(top, path)).split(sep);
  // husky's is generated and calls those beside it.
  if (inside.at(-1) === '_') inside.pop();
  return inside[0] === '..' || inside.join('') === '' ? undefined : inside.join('/');
}
