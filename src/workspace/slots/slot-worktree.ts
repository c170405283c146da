import { randomUUID } from 'node:crypto';
import { lstatSync, readFileSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, readdir, realpath, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { GitFailed, type Git } from '../git/git.ts';
import { BY_US } from '../git/reflog.ts';

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
function isLocked(admin: string): boolean {
  const lock = orNothing(() => readFileSync(join(admin, 'locked'), 'utf8'));
  // Git's own mark of a worktree that is being made: whoever made this one was killed.
  return lock !== undefined && lock.trim() !== 'initializing';
}

/** Where a worktree says that git keeps its index and HEAD; undefined where it says nothing of the kind. */
function linkOf(worktree: string): string | undefined {
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

/**
 * Makes a directory a worktree at `commit`, without a checkout; the files that are in it stay. False where a person has
 * locked the worktree that was there before.
 */
export async function makeSlot(
  git: Git,
  slot: string,
  commonDirectory: string,
  commit: string,
): Promise<boolean> {
  return await git.exclusive(async () => {
    if (!(await forgetWorktree(slot, commonDirectory))) return false;
    await mkdir(slot, { recursive: true });
    // Git makes worktrees in empty directories only: made in one, its link is moved into the other.
    const folder = join(dirname(slot), `${HALF_MADE}${randomUUID().slice(0, 8)}`);
    const shell = join(folder, basename(slot));
    try {
      await git.run(['worktree', 'add', '--no-checkout', '--detach', '--', shell, commit]);
      const admin = linkOf(shell);
      if (admin === undefined) throw new Error(`Git made no link to its own files in ${shell}.`);
      await writeFile(join(shell, '.git'), `gitdir: ${admin}\n`);
      await writeFile(join(admin, 'gitdir'), `${join(slot, '.git')}\n`);
      await rename(join(shell, '.git'), join(slot, '.git'));
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
    return true;
  });
}

/** What the name of a folder begins with in which a worktree is being made. */
const HALF_MADE = 'new-';

/**
 * Removes what is left of worktrees below `root` that were being made when git was killed. Their HEAD is no commit yet,
 * and as long as git knows of such a one, it refuses the user `git gc` and `git log --all`; it is locked, so that git
 * does not prune it either.
 */
export async function forgetHalfMade(root: string, commonDirectory: string): Promise<void> {
  const roots = [root, await realpath(root)];
  for (const { admin, link } of await knownWorktrees(commonDirectory)) {
    if (roots.some((at) => link.startsWith(join(at, HALF_MADE))))
      await rm(admin, { recursive: true, force: true });
  }
  for (const name of await readdir(root))
    if (name.startsWith(HALF_MADE)) await rm(join(root, name), { recursive: true, force: true });
}

/** Removes what git remembers of a worktree whose directory is gone, or has lost the link to it. */
async function forgetWorktree(slot: string, commonDirectory: string): Promise<boolean> {
  for (const { admin, link } of await knownWorktrees(commonDirectory)) {
    if (link !== join(slot, '.git')) continue;
    if (isLocked(admin)) return false;
    await rm(admin, { recursive: true, force: true });
  }
  return true;
}

/** What git remembers of worktrees: its folder for each, and where the `.git` of that worktree is or was. */
async function knownWorktrees(commonDirectory: string): Promise<{ admin: string; link: string }[]> {
  const folder = join(commonDirectory, 'worktrees');
  const names = await readdir(folder).catch(() => []);
  return await Promise.all(
    names.map(async (name) => {
      const admin = join(folder, name);
      const back = (await readFile(join(admin, 'gitdir'), 'utf8').catch(() => '')).trim();
      // Relative to its own folder where `worktree.useRelativePaths` is on.
      return { admin, link: resolve(admin, back) };
    }),
  );
}

/** Of one checkout. */
const MOST_PROCESSES = 4;

/** What is in a slot before it is switched: nothing yet, what git knows of and no more, or anything. */
export type Content = 'new' | 'captured' | 'used';

/**
 * Puts a slot to a commit: its files are that commit's and those that are ignored. What it held before is thrown away,
 * so that has to be kept already. `atOnce`: how many are made new at the same time.
 */
export async function switchSlot(
  git: Git,
  slot: string,
  commit: string,
  content: Content,
  atOnce = 1,
): Promise<void> {
  // In parallel, a first checkout takes a fraction of the time; a warm one writes too little for that. Many at once are
  // parallel already: with four processes each, they would keep us from the processor.
  const processes = Math.max(1, Math.floor(MOST_PROCESSES / atOnce));
  const parallel = content === 'new' ? ['-c', `checkout.workers=${processes}`] : [];
  await git.run([...parallel, 'checkout', '-f', '-q', '--detach', commit], {
    directory: slot,
    environment: BY_US,
  });
  if (content === 'used') await git.run(['clean', '-fdq'], { directory: slot });
}

/** The same, where a lock, a broken index or a half-done rebase that somebody left is in the way. */
export async function forceSwitch(git: Git, slot: string, admin: string, commit: string): Promise<void> {
  for (const left of await readdir(admin)) {
    if (!KEPT_IN_ADMIN.has(left)) await rm(join(admin, left), { recursive: true, force: true });
  }
  await switchSlot(git, slot, commit, 'used');
}

/** A lock this old is of a git that is gone: no checkout takes as long. */
const STALE_LOCK_MS = 10 * 60_000;

/** Whether a git may still be at work in a free slot: one that outlived the run that started it. */
export function isBeingWritten(admin: string): boolean {
  const lock = statSync(join(admin, 'index.lock'), { throwIfNoEntry: false });
  // Nor is one from the future at work: the clock was set back, and it would not get old.
  return lock !== undefined && Math.abs(Date.now() - lock.mtimeMs) < STALE_LOCK_MS;
}

/** What makes it a worktree; all the rest is about work that is over. */
const KEPT_IN_ADMIN: ReadonlySet<string> = new Set([
  'HEAD',
  'commondir',
  'gitdir',
  'logs',
  'modules',
  'refs',
]);

/** What an operation that was never finished leaves, other than what `checkout -f` takes away by itself. */
const UNFINISHED = /^(?:rebase-merge|rebase-apply|sequencer|BISECT_.*|locked|.*\.lock)$/;

/** Ends whatever was going on in a slot, locks included; nobody may work in it. */
export async function endOperations(admin: string): Promise<void> {
  await removeFrom(admin, UNFINISHED);
}

/** What a merge, or another commit that was being made, leaves. */
const MERGE = /^(?:MERGE_(?:HEAD|MODE|MSG|RR)|CHERRY_PICK_HEAD|REVERT_HEAD|SQUASH_MSG|AUTO_MERGE)$/;

/** What puts HEAD of a slot on a commit and on no branch, for {@link Git.moveRefs}. */
export function headOf(admin: string, commit: string): string[] {
  return ['option no-deref', `update worktrees/${basename(admin)}/HEAD ${commit}`];
}

/** Takes the merge in a slot for done, since all of it is in a commit. */
export async function endMerge(admin: string): Promise<void> {
  await removeFrom(admin, MERGE);
}

async function removeFrom(admin: string, what: RegExp): Promise<void> {
  for (const left of readdirSync(admin))
    if (what.test(left)) await rm(join(admin, left), { recursive: true, force: true });
}

/**
 * Moves repositories that were made inside a slot to `aside`: their files are kept with all others, but their history is
 * not, and git cleans neither. `base` is a commit that the slot's work has nothing to do with. Returns where they are.
 */
export async function moveNested(
  git: Git,
  slot: string,
  admin: string,
  base: string,
  aside: string,
): Promise<string[]> {
  // Git names them as such only where its index knows no file in them.
  const index = join(admin, 'orchestrator-nested');
  const options = { directory: slot, environment: { GIT_INDEX_FILE: index } };
  await git.run(['read-tree', base], options);
  const untracked = await git.run(['ls-files', '-z', '-o', '--exclude-standard'], options);
  await rm(index, { force: true });
  const moved: string[] = [];
  for (const path of untracked.split('\0').filter((one) => one.endsWith('/'))) {
    const to = join(aside, randomUUID().slice(0, 8), path);
    await mkdir(dirname(to), { recursive: true });
    await rename(join(slot, path), to);
    moved.push(to);
  }
  return moved;
}

/** Below the folder of the slots. */
export const LEFT = 'left';

/** A new folder for what nobody may lose and no slot can hold. */
export async function makeAside(root: string): Promise<string> {
  await mkdir(join(root, LEFT), { recursive: true });
  return await mkdtemp(join(root, LEFT, 'w-'));
}

/** Whether a command failed for want of space, which no second try mends. */
export function isOutOfSpace(error: unknown): boolean {
  return error instanceof GitFailed && /No space left|Disk quota exceeded/i.test(error.stderr);
}
