import type { Git } from '../git/git.ts';
import { isGuarded, type Guarded } from './guarded-paths.ts';
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
