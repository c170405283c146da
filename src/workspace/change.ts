import { isAbsolute, relative, resolve, sep } from 'node:path';
import type { Git } from './git.ts';
import type { Change } from './workspace.ts';

/**
 * What a commit changes compared with `tip`'s newest commit that it contains. `guarded` are pathspecs, `copied` files that
 * the worktree got from the user's checkout.
 */
export async function findChange(
  git: Git,
  commit: string,
  tip: string,
  { guarded, copied }: { readonly guarded: readonly string[]; readonly copied: ReadonlySet<string> },
): Promise<Change> {
  const base = await git.run(['merge-base', tip, commit]);
  const between = [base, commit];
  const [tree, baseTree, files, protectedFiles, marked] = await Promise.all([
    git.treeOf(commit),
    git.treeOf(base),
    names(git, [...between, '--']),
    guarded.length === 0 ? [] : names(git, [...between, '--', ...guarded]),
    names(git, [`-G${CONFLICT_MARK}`, ...between, '--']),
  ]);
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

/**
 * Pathspecs of what a worker must not change, wherever in the repository it is and in whatever case it is written: some
 * disks make no difference. Hooks that the repository has within itself are among them.
 */
export async function guardedPaths(git: Git, globs: readonly string[]): Promise<string[]> {
  const hooks = await hooksFolder(git);
  const found = [
    ...globs.flatMap((glob) => {
      const path = glob.replace(/^(\.?\/)+/, '').replace(/(\/\*\*)?\/*$/, '');
      if (path === '') return [];
      return isAbsolute(glob) || path.includes('/') ? [path] : [path, `**/${path}`];
    }),
    ...(hooks === undefined ? [] : [hooks.replace(/[*?[\\]/g, String.raw`\$&`)]),
  ];
  return found.flatMap((path) => [`:(top,glob,icase)${path}`, `:(top,glob,icase)${path}/**`]);
}

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
