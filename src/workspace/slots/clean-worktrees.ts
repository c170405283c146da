import { lstatSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { STATUS, type Git } from '../git/git.ts';

/** Knows which worktrees hold exactly a commit still. That costs less than another snapshot or checkout. */
export class CleanWorktrees {
  readonly #git: Git;
  readonly #known = new Map<string, CleanWorktree>();

  constructor(git: Git) {
    this.#git = git;
  }

  /** Records that a worktree holds exactly a commit and no repository; `admin` is where git keeps its index. */
  add(worktree: string, admin: string, commit: string): void {
    this.#known.set(worktree, { commit, index: identifyIndex(admin), checkedAt: -Infinity });
  }

  delete(worktree: string): void {
    this.#known.delete(worktree);
  }

  /** The commit that a worktree held when it was added. */
  commitOf(worktree: string): string | undefined {
    return this.#known.get(worktree)?.commit;
  }

  /** Whether its files were checked less than a moment ago: another check could miss the same changes as that one. */
  wasJustChecked(worktree: string): boolean {
    return performance.now() - (this.#known.get(worktree)?.checkedAt ?? -Infinity) < MOMENT_MS;
  }

  /** Whether a worktree still holds its commit; false where none is known. `isChecked`: do not read its files. */
  async isClean(worktree: string, admin: string, isChecked = false): Promise<boolean> {
    const known = this.#known.get(worktree);
    if (known?.index === undefined) return false;
    // An index that somebody else wrote may tell git not to look at a file.
    if (identifyIndex(admin) !== known.index || !isAt(admin, known.commit)) return false;
    if (isChecked) return true;
    const { exitCode, stdout } = await this.#git.attempt(
      [...STATUS, '--porcelain', '--untracked-files=normal'],
      { directory: worktree },
    );
    if (exitCode !== 0 || stdout !== '') return false;
    known.checkedAt = performance.now();
    return true;
  }
}

interface CleanWorktree {
  readonly commit: string;
  readonly index: string | undefined;
  /** When all of its files were checked last, in milliseconds of {@link performance}. */
  checkedAt: number;
}

const MOMENT_MS = 1000;

/** Whether a worktree is at a commit, on no branch and in no merge. */
function isAt(admin: string, commit: string): boolean {
  try {
    if (lstatSync(join(admin, 'MERGE_HEAD'), { throwIfNoEntry: false }) !== undefined) return false;
    return readFileSync(join(admin, 'HEAD'), 'utf8').trim() === commit;
  } catch {
    return false;
  }
}

/** Changes whenever git writes the index. */
function identifyIndex(admin: string): string | undefined {
  const found = statSync(join(admin, 'index'), { bigint: true, throwIfNoEntry: false });
  return found === undefined ? undefined : `${found.ino} ${found.size} ${found.mtimeNs} ${found.ctimeNs}`;
}
