import { randomUUID } from 'node:crypto';
import { lstatSync, readFileSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, readdir, realpath, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { GitFailed, type Git } from '../git/git.ts';
import { OWN_REFLOG_ACTION } from '../git/reflog.ts';

/** What the directory of a slot looks like. */
export type SlotStatus =
  /** There is no such directory, or it is empty. */
  | { readonly kind: 'absent' }
  /**
   * A worktree of this repository; `admin` is where git keeps its index and HEAD. The tool's own worktrees are on no
   * branch, so a free slot that is on one is in use by a person.
   */
  | { readonly kind: 'intact'; readonly admin: string; readonly branch: string | null }
  /** Files without the link to this repository. */
  | { readonly kind: 'broken' }
  /** A person has said that it must stay as it is, or has put something else there. */
  | { readonly kind: 'locked' };

/**
 * Looks at a slot by its files alone, because `git status` costs more than a warm switch. The calls are synchronous: to
 * wait for each of the dozen small files takes longer than to read it.
 */
export function inspectSlot(slot: string, commonDirectory: string): SlotStatus {
  const found = orUndefined(() => lstatSync(slot));
  if (found === undefined) return { kind: 'absent' };
  if (!found.isDirectory()) return { kind: 'locked' };
  const admin = orUndefined(() => adminDirectory(slot, commonDirectory));
  const head = admin === undefined ? undefined : readHead(admin);
  if (admin === undefined || head === undefined)
    return readdirSync(slot).length === 0 ? { kind: 'absent' } : { kind: 'broken' };
  if (isLocked(admin)) return { kind: 'locked' };
  return { kind: 'intact', admin, branch: head };
}

/** Whether a person has locked a worktree; `admin` is where git keeps its index and HEAD. */
function isLocked(admin: string): boolean {
  const lock = orUndefined(() => readFileSync(join(admin, 'locked'), 'utf8'));
  // Git itself locks a worktree with this word while it creates it. Here the git that did so was killed.
  return lock !== undefined && lock.trim() !== 'initializing';
}

/** Where the `.git` file of a worktree says that git keeps its index and HEAD; undefined where it is no such file. */
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

/** The branch; null where HEAD is a commit; undefined where git could not read it. */
function readHead(admin: string): string | null | undefined {
  const head = orUndefined(() => readFileSync(join(admin, 'HEAD'), 'utf8'))?.trim() ?? '';
  if (/^[0-9a-f]{40,64}$/.test(head)) return null;
  return /^ref: refs\/heads\/(.+)$/.exec(head)?.[1];
}

/** Undefined where the file does not exist or cannot be read. */
function orUndefined<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/**
 * Makes a directory a worktree at `commit` without a checkout; the files in it stay. False where a person has locked
 * the worktree that was there before.
 */
export async function createSlot(
  git: Git,
  slot: string,
  commonDirectory: string,
  commit: string,
): Promise<boolean> {
  return await git.exclusive(async () => {
    if (!(await forgetWorktree(slot, commonDirectory))) return false;
    await mkdir(slot, { recursive: true });
    // Git creates worktrees in empty directories only. So it gets an empty one, and the link is moved to the slot.
    const folder = join(dirname(slot), `${UNFINISHED_SLOT}${randomUUID().slice(0, 8)}`);
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

/** How the name of a folder begins in which a worktree is being created. */
const UNFINISHED_SLOT = 'new-';

/**
 * Removes what is left of worktrees below `root` that git was creating when it was killed. Their HEAD is no commit yet,
 * and while git knows of one of them, `git gc` and `git log --all` fail for the user. They are locked, so git does not
 * prune them.
 */
export async function forgetUnfinishedSlots(root: string, commonDirectory: string): Promise<void> {
  const roots = [root, await realpath(root)];
  for (const { admin, link } of await knownWorktrees(commonDirectory)) {
    if (roots.some((at) => link.startsWith(join(at, UNFINISHED_SLOT))))
      await rm(admin, { recursive: true, force: true });
  }
  for (const name of await readdir(root))
    if (name.startsWith(UNFINISHED_SLOT)) await rm(join(root, name), { recursive: true, force: true });
}

/** Removes what git remembers of a worktree whose directory is gone or has lost its link; false where it is locked. */
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
      // With `worktree.useRelativePaths` it is relative to git's folder for the worktree.
      return { admin, link: resolve(admin, back) };
    }),
  );
}

/** The most processes of one checkout. */
const MOST_PROCESSES = 4;

/** What a slot holds before it is switched: nothing, only files that git knows, or anything. */
export type SlotContent = 'new' | 'captured' | 'used';

/**
 * Puts a slot to a commit: it then holds the files of that commit and those that git ignores. What it held before is
 * lost, so the caller has taken a snapshot of it. `atOnce`: how many new slots are being checked out at the same time.
 */
export async function switchSlot(
  git: Git,
  slot: string,
  commit: string,
  content: SlotContent,
  atOnce = 1,
): Promise<void> {
  // A first checkout takes a fraction of the time with several processes; a warm one writes too little for that.
  // Several checkouts at once share the processes, or this process would get too little of the processor.
  const processes = Math.max(1, Math.floor(MOST_PROCESSES / atOnce));
  const parallel = content === 'new' ? ['-c', `checkout.workers=${processes}`] : [];
  await git.run([...parallel, 'checkout', '-f', '-q', '--detach', commit], {
    directory: slot,
    environment: OWN_REFLOG_ACTION,
  });
  if (content === 'used') await git.run(['clean', '-fdq'], { directory: slot });
}

/** Does the same where somebody has left a lock, a broken index or an unfinished rebase. */
export async function forceSwitchSlot(git: Git, slot: string, admin: string, commit: string): Promise<void> {
  for (const name of await readdir(admin)) {
    if (!KEPT_IN_ADMIN.test(name)) await rm(join(admin, name), { recursive: true, force: true });
  }
  await switchSlot(git, slot, commit, 'used');
}

/** No checkout takes this long, so a lock of this age was left by a git that is gone. */
const STALE_LOCK_MS = 10 * 60_000;

/** Whether a git may still be at work in a free slot, because it outlived the run that started it. */
export function isBeingWritten(admin: string): boolean {
  const lock = statSync(join(admin, 'index.lock'), { throwIfNoEntry: false });
  // A lock from the future is stale too: the clock was set back, and such a lock would never become old.
  return lock !== undefined && Math.abs(Date.now() - lock.mtimeMs) < STALE_LOCK_MS;
}

/** These make it a worktree; everything else is about work that has ended. */
const KEPT_IN_ADMIN = /^(?:HEAD|commondir|gitdir|logs|modules|refs)$/;

/** What an unfinished operation leaves and `checkout -f` does not remove. */
const UNFINISHED_OPERATION = /^(?:rebase-merge|rebase-apply|sequencer|BISECT_.*|locked|.*\.lock)$/;

/** Ends every git operation that is unfinished in a slot, and removes its locks; nobody may work there. */
export async function endOperations(admin: string): Promise<void> {
  await removeFrom(admin, UNFINISHED_OPERATION);
}

/** What a merge, or another unfinished commit, leaves. */
const UNFINISHED_MERGE =
  /^(?:MERGE_(?:HEAD|MODE|MSG|RR)|CHERRY_PICK_HEAD|REVERT_HEAD|SQUASH_MSG|AUTO_MERGE)$/;

/** The commands for {@link Git.moveRefs} that put HEAD of a slot on a commit and on no branch. */
export function headUpdate(admin: string, commit: string): string[] {
  return ['option no-deref', `update worktrees/${basename(admin)}/HEAD ${commit}`];
}

/** Ends a merge that is unfinished in a slot; a commit has all of it. */
export async function endMerge(admin: string): Promise<void> {
  await removeFrom(admin, UNFINISHED_MERGE);
}

async function removeFrom(admin: string, names: RegExp): Promise<void> {
  for (const name of readdirSync(admin))
    if (names.test(name)) await rm(join(admin, name), { recursive: true, force: true });
}

/**
 * Moves repositories that were made inside a slot out of it, and returns where they are. A snapshot has their files but
 * not their history, and `git clean` does not remove them. `base` is a commit that has nothing to do with the slot's
 * work.
 */
export async function moveNestedRepositories(
  git: Git,
  { slot, root, admin }: { readonly slot: string; readonly root: string; readonly admin: string },
  base: string,
): Promise<string[]> {
  // Git lists them as repositories only where its index has no file in them.
  const index = join(admin, 'orchestrator-nested');
  const options = { directory: slot, environment: { GIT_INDEX_FILE: index } };
  await git.run(['read-tree', base], options);
  const untracked = await git.run(['ls-files', '-z', '-o', '--exclude-standard'], options);
  await rm(index, { force: true });
  const moved: string[] = [];
  for (const path of untracked.split('\0').filter((one) => one.endsWith('/'))) {
    const to = join(root, ASIDE, randomUUID().slice(0, 8), path);
    await mkdir(dirname(to), { recursive: true });
    await rename(join(slot, path), to);
    moved.push(to);
  }
  return moved;
}

/** The folder below the root of the slots for what must not be lost and no slot can hold. */
const ASIDE = 'left';

/** Moves a file or folder out of the slots, and returns the folder that it is in then. */
export async function moveAside(root: string, path: string): Promise<string> {
  await mkdir(join(root, ASIDE), { recursive: true });
  const aside = await mkdtemp(join(root, ASIDE, 'w-'));
  await rename(path, join(aside, basename(path)));
  return aside;
}

/** Whether a command failed because the disk is full; a second try does not help then. */
export function isOutOfSpace(error: unknown): boolean {
  return error instanceof GitFailed && /No space left|Disk quota exceeded/i.test(error.stderr);
}
