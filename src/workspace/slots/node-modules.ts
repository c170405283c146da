import { constants } from 'node:fs';
import { copyFile, cp, lstat, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Git } from '../git/git.ts';

const MODULES = 'node_modules';

/** Where installed packages may be taken from, and for whom. */
export interface WarmRequest {
  /** A directory of the user's checkout, and the same one of the worktree. */
  readonly from: string;
  readonly to: string;
  /** On the file system of the worktree, and not in it. */
  readonly scratch: string;
  /** Copies byte by byte where the file system cannot share them: where no command would install them. */
  readonly plainly: boolean;
}

/**
 * Gives a worktree the packages that the user has installed, where it has none of its own. The caller knows that the
 * lock files are the same.
 *
 * Files are shared copy-on-write or copied, never by hard links: a worker that changed one would change the user's.
 */
export async function warmModules(git: Git, { from, to, scratch, plainly }: WarmRequest): Promise<void> {
  const [theirs, ours] = [join(from, MODULES), join(to, MODULES)];
  if (!(await isDirectory(theirs)) || (await lstat(ours).catch(() => undefined)) !== undefined) return;
  const ignored = await git.attempt(['check-ignore', '-q', '--', `${MODULES}/`], { directory: to });
  if (ignored.exitCode !== 0) return;
  await rm(scratch, { recursive: true, force: true });
  const shared = await canShare(theirs, scratch);
  if (!shared && !plainly) return;
  try {
    await cp(theirs, scratch, {
      recursive: true,
      mode: shared ? constants.COPYFILE_FICLONE_FORCE : constants.COPYFILE_FICLONE,
      verbatimSymlinks: true,
      preserveTimestamps: true,
    });
    // Whole or not at all: half of an installation looks like one.
    await rename(scratch, ours);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** By a try with one file: no system call tells. */
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
