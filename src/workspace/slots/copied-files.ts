import { constants } from 'node:fs';
import { copyFile, cp, lstat, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { err, ok, type Result } from '../../domain/result.ts';
import type { Git } from '../git/git.ts';

/** The file at the top of a repository that lists files for all worktrees. */
const INCLUDE_FILE = '.worktreeinclude';

/** Files of the user's checkout that git does not track and that worktrees get. */
export interface CopiedFiles {
  /** Requested by `workspace.copy`: each of them must be copied. */
  readonly requested: readonly string[];
  /** Listed in `.worktreeinclude`, which applies to ignored files only. */
  readonly included: readonly string[];
}

/** Finds these files. `patterns` work as in a `.gitignore` in `prefix`, such as `packages/app`; empty: at the top. */
export async function findCopiedFiles(
  git: Git,
  top: string,
  prefix: string,
  patterns: readonly string[],
): Promise<CopiedFiles> {
  const excludes = patterns.map((pattern) => `--exclude=${below(prefix, pattern)}`);
  const file = join(top, INCLUDE_FILE);
  const hasFile = (await lstat(file).catch(() => undefined))?.isFile() === true;
  const [requested, included] = await Promise.all([
    excludes.length === 0 ? [] : list(git, top, excludes, prefix),
    hasFile ? list(git, top, [`--exclude-from=${file}`], '') : [],
  ]);
  return { requested, included };
}

/** A pattern with a slash names one place. Git looks for it below the top, so the prefix is added. */
function below(prefix: string, pattern: string): string {
  const [, not = '', glob = ''] = /^(!?)(.*)$/s.exec(pattern) ?? [];
  const anchored = /\/./.test(glob) && !glob.startsWith('**/');
  return anchored ? `${not}/${join(prefix, glob).replace(/^\//, '')}` : pattern;
}

async function list(git: Git, top: string, excludes: string[], prefix: string): Promise<string[]> {
  const where = prefix === '' ? [] : ['--', `:(top,literal)${prefix}`];
  const found = await git.run(['ls-files', '-z', '-o', '-i', ...excludes, ...where], { directory: top });
  // A path that ends with a slash is another repository.
  return found.split('\0').filter((path) => path !== '' && !path.endsWith('/'));
}

/**
 * Copies files to a clean worktree and returns which were copied. The error is a sentence that names files which would
 * become part of the change.
 */
export async function copyFiles(
  git: Git,
  top: string,
  worktree: string,
  { requested, included }: CopiedFiles,
): Promise<Result<readonly string[], string>> {
  const wanted: string[] = [];
  for (const path of new Set([...requested, ...included])) {
    // A link in the repository may lead out of it. Nothing may be written there.
    if (!(await isBeyondLink(worktree, path))) wanted.push(path);
  }
  if (wanted.length === 0) return ok([]);
  const ignored = await ignoredOf(git, worktree, wanted);
  const copied = wanted.filter((path) => ignored.has(path));
  const exposed: string[] = [];
  for (const path of wanted.filter((one) => requested.includes(one) && !ignored.has(one))) {
    // If the worktree has the file, it is tracked there: it landed meanwhile.
    if ((await lstat(join(worktree, path)).catch(() => undefined)) === undefined) exposed.push(path);
  }
  if (exposed.length > 0) {
    return err(
      `workspace.copy names ${exposed.slice(0, 3).join(', ')}${exposed.length > 3 ? ', …' : ''}, which git does not ` +
        'ignore, so a copy would be committed with the task; add it to .gitignore and commit that, or to .git/info/exclude.',
    );
  }
  for (const path of copied) await copyOne(join(top, path), worktree, path);
  return ok(copied);
}

async function isBeyondLink(worktree: string, path: string): Promise<boolean> {
  for (let folder = dirname(path); folder !== '.'; folder = dirname(folder)) {
    const found = await lstat(join(worktree, folder)).catch(() => undefined);
    if (found?.isSymbolicLink() === true) return true;
  }
  return false;
}

async function ignoredOf(git: Git, worktree: string, paths: readonly string[]): Promise<Set<string>> {
  const { exitCode, stdout, stderr } = await git.attempt(['check-ignore', '-z', '--stdin'], {
    directory: worktree,
    input: paths.map((path) => `${path}\0`).join(''),
  });
  // Exit code 1 means that it ignores none of them.
  if (exitCode > 1 || exitCode < 0) throw new Error(`git check-ignore failed in ${worktree}: ${stderr}`);
  return new Set(stdout.split('\0').filter((path) => path !== ''));
}

async function copyOne(from: string, worktree: string, path: string): Promise<void> {
  const to = join(worktree, path);
  await mkdir(dirname(to), { recursive: true });
  await rm(to, { recursive: true, force: true });
  try {
    await cp(from, to, {
      mode: constants.COPYFILE_FICLONE,
      verbatimSymlinks: true,
      preserveTimestamps: true,
    });
  } catch (error) {
    // The user has just removed it, so there is nothing to copy.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

const MODULES = 'node_modules';

/** Where installed packages are copied from, and where to. */
export interface NodeModulesRequest {
  /** A directory of the user's checkout, and the same directory of the worktree. */
  readonly from: string;
  readonly to: string;
  /** A path on the file system of the worktree that is not in the worktree. */
  readonly scratch: string;
  /** Whether to copy byte by byte where the file system cannot share files, because no command would install them. */
  readonly byteByByte: boolean;
}

/**
 * Copies the packages that the user has installed to a worktree that has none. The caller knows that the lock files are
 * the same.
 *
 * Files are shared copy-on-write or copied. Hard links are never used: a worker that changed one would change the
 * user's.
 */
export async function copyNodeModules(
  git: Git,
  { from, to, scratch, byteByByte }: NodeModulesRequest,
): Promise<void> {
  const [theirs, ours] = [join(from, MODULES), join(to, MODULES)];
  if (!(await isDirectory(theirs)) || (await lstat(ours).catch(() => undefined)) !== undefined) return;
  const ignored = await git.attempt(['check-ignore', '-q', '--', `${MODULES}/`], { directory: to });
  if (ignored.exitCode !== 0) return;
  await rm(scratch, { recursive: true, force: true });
  const shared = await canShare(theirs, scratch);
  if (!shared && !byteByByte) return;
  try {
    await cp(theirs, scratch, {
      recursive: true,
      mode: shared ? constants.COPYFILE_FICLONE_FORCE : constants.COPYFILE_FICLONE,
      verbatimSymlinks: true,
      preserveTimestamps: true,
    });
    // Half of an installation would look complete, so it appears as a whole or not at all.
    await rename(scratch, ours);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Tries with one file, because no system call says so. */
async function canShare(directory: string, scratch: string): Promise<boolean> {
  const file = await anyFile(directory);
  if (file === undefined) return false;
  try {
    await copyFile(file, scratch, constants.COPYFILE_FICLONE_FORCE);
    return true;
  } catch {
    return false;
  } finally {
    await rm(scratch, { force: true });
  }
}

async function anyFile(directory: string): Promise<string | undefined> {
  const entries = await readdir(directory, { withFileTypes: true });
  const file = entries.find((entry) => entry.isFile());
  if (file !== undefined) return join(directory, file.name);
  for (const entry of entries.filter((one) => one.isDirectory())) {
    const found = await anyFile(join(directory, entry.name));
    if (found !== undefined) return found;
  }
  return undefined;
}

async function isDirectory(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => undefined))?.isDirectory() === true;
}
