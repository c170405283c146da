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
  /** The branch or commit of HEAD; undefined where HEAD is something that only this worktree has. */
  readonly head: string | undefined;
}

/**
 * Finds git's private directory of a worktree without asking git, which might find another repository above it. The
 * calls are synchronous: to wait for each of these small files takes longer than to read it.
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

/** A temporary index for a worktree. Whoever works there does not see what is done with it. */
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

  /** Starts from a copy of another index, so that git reads only the files that have changed since. */
  async copyFrom(index: string): Promise<boolean> {
    this.remove();
    // Git reads a file again unless it is older than the index. A copy with a later time than its original would hide
    // an edit that was made in the instant in which the original was written.
    const original = statSync(index, { throwIfNoEntry: false });
    if (original === undefined) return false;
    await copyFile(index, this.#file);
    const written = Math.floor(original.mtimeMs - 1) / 1000;
    utimesSync(this.#file, written, written);
    return true;
  }

  /** Starts from the files of a tree, or from none. */
  async readFrom(treeish: string | null): Promise<void> {
    this.remove();
    await this.run(treeish === null ? ['read-tree', '--empty'] : ['read-tree', treeish]);
  }

  /** Moves it to the place of another index. */
  async moveTo(index: string): Promise<void> {
    await rename(this.#file, index);
  }

  /** Removes it, and the lock that a killed git may have left. */
  remove(): void {
    rmSync(this.#file, { force: true });
    rmSync(`${this.#file}.lock`, { force: true });
  }
}

const PLAIN = ['core.safecrlf=false', 'core.splitIndex=false', 'advice.addEmbeddedRepo=false'].flatMap(
  (setting) => ['-c', setting],
);
