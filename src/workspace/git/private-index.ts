import { readFileSync, realpathSync, rmSync, statSync, utimesSync } from 'node:fs';
import { copyFile, rename } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Git, GitOptions, GitResult } from './git.ts';

/** A directory with files of the repository, and git's private directory for it. */
export interface WorkTree {
  readonly directory: string;
  /** The private directory of the worktree, or the repository's own where that is gone. */
  readonly gitDirectory: string;
  /** Whether `gitDirectory` has the index and HEAD of this directory. */
  readonly linked: boolean;
  /** What HEAD says where every worktree understands it: a branch or a commit. */
  readonly head: string | undefined;
}

/**
 * Finds the private directory of a worktree without asking git, which could find another repository above it. At once,
 * since each of these small files takes longer to wait for than to read.
 */
export function findWorkTree(directory: string, commonDirectory: string): WorkTree {
  const gone = { directory, gitDirectory: commonDirectory, linked: false, head: undefined };
  try {
    const link = /^gitdir: (.+)$/m.exec(readFileSync(join(directory, '.git'), 'utf8'))?.[1];
    if (link === undefined) return gone;
    const gitDirectory = resolve(directory, link);
    const common = resolve(gitDirectory, readFileSync(join(gitDirectory, 'commondir'), 'utf8').trim());
    const head = readFileSync(join(gitDirectory, 'HEAD'), 'utf8');
    if (realpathSync.native(common) !== realpathSync.native(commonDirectory)) return gone;
    return { directory, gitDirectory, linked: true, head: HEAD.exec(head)?.[1] };
  } catch {
    return gone;
  }
}

const HEAD = /^(?:ref: )?(refs\/heads\/.+|[0-9a-f]{40,64})\n?$/;

/** An index of our own for a worktree: nothing that is done with it is seen by whoever works there. */
export class PrivateIndex {
  readonly #git: Git;
  readonly #options: GitOptions;
  readonly #file: string;

  constructor(git: Git, { directory, gitDirectory }: WorkTree, name: string) {
    this.#git = git;
    this.#file = join(gitDirectory, name);
    this.#options = {
      directory,
      environment: { GIT_DIR: gitDirectory, GIT_WORK_TREE: directory, GIT_INDEX_FILE: this.#file },
    };
  }

  run(args: readonly string[], input = ''): Promise<string> {
    return this.#git.run([...PLAIN, ...args], { ...this.#options, input });
  }

  attempt(args: readonly string[]): Promise<GitResult> {
    return this.#git.attempt([...PLAIN, ...args], this.#options);
  }

  /** Begins with what another index knows about the files, so that only those that changed are read again. */
  async copyFrom(index: string): Promise<boolean> {
    this.remove();
    // Git reads files again that are not older than their index. A copy that looked newer than what it was copied from
    // would hide an edit made in the instant in which the original was written.
    const original = statSync(index, { throwIfNoEntry: false });
    if (original === undefined) return false;
    await copyFile(index, this.#file);
    const written = Math.floor(original.mtimeMs - 1) / 1000;
    utimesSync(this.#file, written, written);
    return true;
  }

  /** Begins with the files of a tree, or with none. */
  async readFrom(treeish: string | null): Promise<void> {
    this.remove();
    await this.run(treeish === null ? ['read-tree', '--empty'] : ['read-tree', treeish]);
  }

  /** Puts it in the place of another index. */
  async moveTo(index: string): Promise<void> {
    await rename(this.#file, index);
  }

  /** Also what a git that was killed left of it. */
  remove(): void {
    rmSync(this.#file, { force: true });
    rmSync(`${this.#file}.lock`, { force: true });
  }
}

const PLAIN = ['core.safecrlf=false', 'core.splitIndex=false', 'advice.addEmbeddedRepo=false'].flatMap(
  (setting) => ['-c', setting],
);
