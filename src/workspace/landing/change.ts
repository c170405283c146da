import { isAbsolute, relative, resolve, sep } from 'node:path';
import type { Git } from '../git/git.ts';
import type { Change } from '../workspace.ts';

/**
 * Finds what a commit changes compared with `base`, the newest commit of the integration branch that it contains.
 * `fromCheckout` are files that the worktree got from the user's checkout.
 */
export async function findChange(
  git: Git,
  commit: string,
  base: string,
  given: { readonly protectedPaths: ProtectedPaths; readonly fromCheckout: ReadonlySet<string> },
): Promise<Change> {
  const { protectedPaths, fromCheckout } = given;
  const between = [base, commit];
  const [tree, baseTree] = await Promise.all([git.treeOf(commit), git.treeOf(base)]);
  const { pathspecs } = protectedPaths;
  const [files, matched, marked] = await Promise.all([
    git.listDifferences(baseTree, tree),
    pathspecs.length === 0 ? [] : listNames(git, [...between, '--', ...pathspecs]),
    git.listDifferences(baseTree, tree, CONFLICT_MARKER),
  ]);
  const byGit = new Set(matched);
  const protectedFiles = files.filter((file) => byGit.has(file) || isProtected(protectedPaths, file));
  const unresolved: string[] = [];
  for (const file of marked) if (await addsMarkers(git, between, file)) unresolved.push(file);
  const copied = files.filter((file) => fromCheckout.has(file));
  // A file that the base tracks belongs to the repository by now.
  const tracked =
    copied.length === 0
      ? ''
      : await git.run(['ls-tree', '-r', '-z', '--name-only', '--full-tree', base, '--', ...copied]);
  const own = new Set(tracked.split('\0'));
  return {
    commit,
    tree,
    base,
    baseTree,
    files,
    protectedFiles,
    copied: copied.filter((file) => !own.has(file)),
    unresolved,
  };
}

/** The lines that git puts around a conflict, as an extended regular expression for git. */
const CONFLICT_MARKER = '^(<<<<<<<|>>>>>>>) ';

/** Paths relative to the repository, unquoted. */
async function listNames(git: Git, args: readonly string[]): Promise<string[]> {
  const output = await git.run(['diff-tree', '-r', '-z', '--name-only', '--no-renames', ...args]);
  return output.split('\0').filter((path) => path !== '');
}

/** A marker that was there before, such as in a test's fixture, or one that was removed, is no unresolved conflict. */
async function addsMarkers(git: Git, between: readonly string[], file: string): Promise<boolean> {
  const options = ['-p', '-U0', '--no-renames', '--no-ext-diff', '--no-textconv', '--no-color'];
  const diff = await git.run(['diff-tree', ...options, ...between, '--', `:(top,literal)${file}`]);
  return /^\+(<<<<<<<|>>>>>>>) /m.test(diff);
}

/** What a worker must not change. Letter case does not matter, because some disks ignore it. */
export interface ProtectedPaths {
  /** Files and folders in lower case; `everywhere`: in any folder. */
  readonly plain: readonly { readonly path: string; readonly everywhere: boolean }[];
  /** Globs that only git can match. */
  readonly pathspecs: readonly string[];
}

/** Reads these globs, and adds the hooks that the repository keeps among its own files. */
export async function findProtectedPaths(git: Git, globs: readonly string[]): Promise<ProtectedPaths> {
  const hooks = await findHooksFolder(git);
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

/** Whether a file is one of the plain paths or below one. */
function isProtected({ plain }: ProtectedPaths, file: string): boolean {
  const name = lowerCase(file);
  return plain.some(
    ({ path, everywhere }) =>
      `${name}/`.startsWith(`${path}/`) || (everywhere && `/${name}/`.includes(`/${path}/`)),
  );
}

/** Like git, it changes ASCII letters only. */
function lowerCase(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

async function findHooksFolder(git: Git): Promise<string | undefined> {
  // `hooks: true` shows the user's setting. Otherwise the answer is the place to which we switch hooks off.
  const [configured, top] = await Promise.all([
    git.attempt(['config', '--type=path', '--get', 'core.hooksPath'], { hooks: true }),
    git.run(['rev-parse', '--show-toplevel']),
  ]);
  const path = configured.stdout.trim();
  if (path === '') return undefined;
  const inside = relative(top, resolve(top, path)).split(sep);
  // husky generates this folder. The hooks in it call those beside it.
  if (inside.at(-1) === '_') inside.pop();
  return inside[0] === '..' || inside.join('') === '' ? undefined : inside.join('/');
}
