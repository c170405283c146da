import { lstatSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Git } from '../git/git.ts';

/**
 * Knows which worktrees hold exactly a commit, and sees by one look whether they still do: that costs less than to keep
 * or to check out what is there already.
 */
export class Untouched {
  readonly #git: Git;
  readonly #known = new Map<string, Known>();

  constructor(git: Git) {
    this.#git = git;
  }

  /** Says that a worktree holds exactly a commit, with no repository in it; `admin` is where git keeps its index. */
  note(worktree: string, admin: string, commit: string): void {
    this.#known.set(worktree, { commit, index: stateOf(admin), seenAt: -Infinity });
  }

  forget(worktree: string): void {
    this.#known.delete(worktree);
  }

  /** The commit that it held when that was said last. */
  commitOf(worktree: string): string | undefined {
    return this.#known.get(worktree)?.commit;
  }

  /** Whether it was looked at a moment ago: what came since could as well come after another look. */
  wasSeenNow(worktree: string): boolean {
    return performance.now() - (this.#known.get(worktree)?.seenAt ?? -Infinity) < MOMENT_MS;
  }

  /** Whether it holds that still; false where nothing is known. With `isSeen`, its files need no other look. */
  async isStill(worktree: string, admin: string, isSeen = false): Promise<boolean> {
    const known = this.#known.get(worktree);
    if (known?.index === undefined) return false;
    // With an index of somebody else's making, git may have been told not to look at a file.
    if (stateOf(admin) !== known.index || !isAt(admin, known.commit)) return false;
    if (isSeen) return true;
    const { exitCode, stdout } = await this.#git.attempt(STATUS, { directory: worktree });
    if (exitCode !== 0 || stdout !== '') return false;
    known.seenAt = performance.now();
    return true;
  }
}

interface Known {
  readonly commit: string;
  readonly index: string | undefined;
  /** When all of its files were looked at last, in milliseconds of {@link performance}. */
  seenAt: number;
}

const MOMENT_MS = 1000;

const STATUS = [
  '--no-optional-locks',
  'status',
  '--porcelain',
  '-z',
  '--no-renames',
  '--untracked-files=normal',
];

/** Whether it stands on a commit, on no branch and in no merge. */
function isAt(admin: string, commit: string): boolean {
  try {
    if (lstatSync(join(admin, 'MERGE_HEAD'), { throwIfNoEntry: false }) !== undefined) return false;
    return readFileSync(join(admin, 'HEAD'), 'utf8').trim() === commit;
  } catch {
    return false;
  }
}

/** Another one whenever git has written the index. */
function stateOf(admin: string): string | undefined {
  const found = statSync(join(admin, 'index'), { bigint: true, throwIfNoEntry: false });
  return found === undefined ? undefined : `${found.ino} ${found.size} ${found.mtimeNs} ${found.ctimeNs}`;
}
