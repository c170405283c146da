import { lstatSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

/** What a look at the directory of a slot tells. */
export type SlotCondition =
  /** Nothing is there. */
  | { readonly kind: 'absent' }
  /**
   * A worktree of this repository; `admin` is where git keeps its index and HEAD. Ours are on no branch: whoever stands on
   * one in a free slot is a person.
   */
  | { readonly kind: 'sound'; readonly admin: string; readonly branch: string | null }
  /** Files without the link to this repository. */
  | { readonly kind: 'broken' }
  /** Somebody said that it must stay as it is. */
  | { readonly kind: 'locked' };

/**
 * Looks at a slot, by its files alone: `git status` costs more than a warm switch. At once, since each of the dozen small
 * files takes longer to wait for than to read.
 */
export function inspectSlot(slot: string, commonDirectory: string): SlotCondition {
  const found = orNothing(() => lstatSync(slot));
  if (found === undefined) return { kind: 'absent' };
  if (!found.isDirectory()) return { kind: 'locked' };
  const admin = orNothing(() => adminDirectory(slot, commonDirectory));
  const head = admin === undefined ? undefined : readHead(admin);
  if (admin === undefined || head === undefined)
    return readdirSync(slot).length === 0 ? { kind: 'absent' } : { kind: 'broken' };
  if (isLocked(admin)) return { kind: 'locked' };
  return { kind: 'sound', admin, branch: head };
}

/** Whether a person has said that a worktree must stay; `admin` is where git keeps its index and HEAD. */
export function isLocked(admin: string): boolean {
  const lock = orNothing(() => readFileSync(join(admin, 'locked'), 'utf8'));
  // Git's own mark of a worktree that is being made: whoever made this one was killed.
  return lock !== undefined && lock.trim() !== 'initializing';
}

/** Where a worktree says that git keeps its index and HEAD; undefined where it says nothing of the kind. */
export function linkOf(worktree: string): string | undefined {
  const link = /^gitdir: (.+)$/m.exec(readFileSync(join(worktree, '.git'), 'utf8'))?.[1];
  return link === undefined ? undefined : resolve(worktree, link);
}

function adminDirectory(slot: string, commonDirectory: string): string | undefined {
  const link = linkOf(slot);
  if (link === undefined) return undefined;
  const admin = realpathSync.native(link);
  if (dirname(admin) !== join(realpathSync.native(commonDirectory), 'worktrees')) return undefined;
  const back = readFileSync(join(admin, 'gitdir'), 'utf8').trim();
  const isSame = realpathSync.native(resolve(admin, back)) === realpathSync.native(join(slot, '.git'));
  return isSame ? admin : undefined;
}

/** The branch, null for a commit, undefined for what git would not understand. */
function readHead(admin: string): string | null | undefined {
  const head = orNothing(() => readFileSync(join(admin, 'HEAD'), 'utf8'))?.trim() ?? '';
  if (/^[0-9a-f]{40,64}$/.test(head)) return null;
  return /^ref: refs\/heads\/(.+)$/.exec(head)?.[1];
}

/** What is not there, or cannot be read, is undefined. */
function orNothing<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
