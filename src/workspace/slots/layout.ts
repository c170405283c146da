import { createHash } from 'node:crypto';
import { realpath } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import type { Git } from '../git/git.ts';

/** Where the user's checkout is, and where the tool keeps files outside of it. */
export interface Layout {
  /** The top of the user's checkout. */
  readonly top: string;
  /** The directory that workers work in, relative to `top`: `packages/app`, or empty. */
  readonly prefix: string;
  /** Where all worktrees of the repository have their common files. */
  readonly commonDirectory: string;
  /** The folder in which worktrees are `w1`, `w2`, …; it need not exist. */
  readonly root: string;
  /** The folder of port leases, for all projects of this machine. */
  readonly leases: string;
}

/** What the layout depends on. */
export interface LayoutOptions {
  readonly workingDirectory: string;
  /** The user's, such as `~/.cache`. */
  readonly cacheDirectory: string;
  /** `workspace.root`: where worktrees are made, if not in the cache directory. */
  readonly root: string | null;
}

/** Finds the layout; throws `GitFailed` where there is no checkout. */
export async function findLayout(
  git: Git,
  { workingDirectory, cacheDirectory, root }: LayoutOptions,
): Promise<Layout> {
  const found = await git.run(
    ['rev-parse', '--path-format=absolute', '--git-common-dir', '--show-toplevel', '--show-prefix'],
    { directory: workingDirectory },
  );
  const [commonDirectory = '', top = '', prefix = ''] = found.split('\n');
  const ours = join(cacheDirectory, 'claude-orchestrator');
  // The working directory is part of the name, because two projects of one repository may run at the same time.
  const id = createHash('sha256')
    .update(`${await realpath(commonDirectory)}\0${await realpath(workingDirectory)}`)
    .digest('hex');
  const name = basename(top)
    .replace(/[^\w.-]+/g, '-')
    .slice(0, 40);
  const folder = root === null ? join(ours, 'worktrees') : resolve(workingDirectory, root);
  return {
    top,
    prefix: prefix.replace(/\/$/, ''),
    commonDirectory,
    root: join(folder, `${name}-${id.slice(0, 12)}`),
    leases: join(ours, 'ports'),
  };
}
