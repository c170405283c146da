import {
  readFileSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Git } from '../git/git.ts';
import { parseLog, readHeadLog, readRegular, type HeadLog, type LogLine } from '../git/reflog.ts';

/** What a worker has made in the repository that all of its worktrees share, in sight of the user. */
export interface WorkerRef {
  readonly kind: 'branch' | 'tag' | 'stash';
  /** As people know it: `feat/x`, or what git says of an entry of the stash. */
  readonly name: string;
  /** What the ref holds; of an entry, its commit. */
  readonly id: string;
  readonly commit: string;
  /** What it is compared with: the commit that the work began at, or that an entry was made at. */
  readonly parent: string;
  /** Of an entry: a commit with the files that git did not track. */
  readonly untracked: string | null;
}

/** A worktree in which a worker was, and those beside it. */
export interface WorkerPlace {
  readonly slot: string;
  /** Where git keeps its index and HEAD. */
  readonly admin: string;
  /** The branch that it is on now. */
  readonly branch: string | null;
  /** When the work in it began, in Unix milliseconds. */
  readonly since: number;
  /** All slots, by where git keeps their index and HEAD; `isBusy` where somebody works in them. */
  readonly slots: () => ReadonlyMap<string, { readonly slot: string; readonly isBusy: boolean }>;
}

/** The most that is taken at once: each costs a few processes. */
const MOST = 50;

/**
 * Finds what the worker of a worktree has made since that was noted. What could as well be the user's, or another
 * worker's who still needs it, is none of it: a branch is, when its commit was made here or only this worktree was on
 * it; a tag, when its commit was made here; an entry of the stash, when nobody else can have put it there.
 */
export async function findWorkerRefs(git: Git, common: string, place: WorkerPlace): Promise<WorkerRef[]> {
  const noted = readNoted(place.slot);
  if (noted === undefined) return [];
  const now = readSharedRefs(common);
  const refs = [...now.names].filter((name) => !noted.names.has(name)).slice(0, MOST);
  const entries = now.stash.filter(({ commit }) => !noted.stash.has(commit)).slice(0, MOST);
  if (refs.length === 0 && entries.length === 0) return [];
  const [log, others] = [readHeadLog(place.admin), findOthers(common, place)];
  const search = { git, place, log, refs, others, names: new Set([...now.names, ...noted.names]) };
  const made: WorkerRef[] = [];
  for (const ref of refs) made.push(...(await ownRef(search, ref)));
  for (const { commit, at } of entries) made.push(...(await ownEntry(search, commit, at)));
  return made;
}

/** Removes them where they are still what was found; by then they are kept. */
export async function removeWorkerRefs(
  git: Git,
  common: string,
  slot: string,
  made: readonly WorkerRef[],
): Promise<void> {
  for (const { kind, name, id } of made) {
    await git.exclusive(async () => {
      if (kind === 'stash') await dropEntry(git, common, slot, id);
      else await git.tryMoveRefs([`delete refs/${FOLDER[kind]}/${name} ${id}`]);
    });
  }
}

const FOLDER = { branch: 'heads', tag: 'tags' } as const;

interface Search {
  readonly git: Git;
  readonly place: WorkerPlace;
  readonly log: HeadLog;
  /** Names that were not there before. */
  readonly refs: readonly string[];
  readonly others: readonly Other[];
  /** All that are there or were. */
  readonly names: ReadonlySet<string>;
}

/** Another worktree in which somebody may be at work. */
interface Other {
  readonly admin: string;
  readonly log: HeadLog;
  /** What it is on now: `ref: refs/heads/main`, or a commit. */
  readonly head: string;
  /** What was there before its worker began; undefined where a person works in it. */
  readonly noted: Noted | undefined;
}

function findOthers(common: string, { admin: own, slots, since }: WorkerPlace): Other[] {
  const folder = join(realpathSync.native(common), 'worktrees');
  const known = slots();
  return [common, ...readdirSync(folder).map((name) => join(folder, name))].flatMap((admin) => {
    const found = known.get(admin);
    if (admin === own || found?.isBusy === false) return [];
    const head = readRegular(join(admin, 'HEAD')).trim();
    // Of a person's, only what happened meanwhile matters.
    const log = readHeadLog(admin, found === undefined ? since : 0);
    return [{ admin, head, log, noted: found && readNoted(found.slot) }];
  });
}

async function ownRef(search: Search, ref: string): Promise<WorkerRef[]> {
  const { git, log, others } = search;
  const [, folder, name = ''] = /^refs\/(heads|tags)\/(.+)$/.exec(ref) ?? [];
  const [id, commit] = await Promise.all([git.find(ref), git.commitAt(ref)]);
  if (id === undefined || commit === undefined) return [];
  const isBranch = folder === 'heads';
  const isOwn = log.made.has(commit) || (isBranch && log.visited.has(commit) && wasOnlyHere(search, name));
  if (!isOwn || others.some(({ head }) => head === `ref: ${ref}`)) return [];
  const [parent = commit] = log.visited;
  return [{ kind: isBranch ? 'branch' : 'tag', name, id, commit, parent, untracked: null }];
}

function wasOnlyHere({ place, log, others }: Search, branch: string): boolean {
  return (
    (place.branch === branch || log.names.has(branch)) &&
    !others.some((other) => other.head === `ref: refs/heads/${branch}` || other.log.names.has(branch))
  );
}

async function ownEntry(search: Search, id: string, at: number): Promise<WorkerRef[]> {
  const { git, log, refs } = search;
  const { stdout } = await git.attempt(['log', '-1', '--no-show-signature', '--format=%P%n%s', id]);
  const [parents = '', name = ''] = stdout.split('\n');
  const [parent, , untracked = null] = parents.split(' ');
  const on = /^(?:WIP on|On) (\(no branch\)|[^:]+):/.exec(name)?.[1];
  if (parent === undefined || on === undefined || !log.visited.has(parent)) return [];
  const isOwn =
    on === '(no branch)'
      ? log.made.has(parent) || isOnlyFromHere(search, { id, parent, at })
      : refs.includes(`refs/heads/${on}`) && wasOnlyHere(search, on);
  return isOwn ? [{ kind: 'stash', name, id, commit: id, parent, untracked }] : [];
}

/** Whether an entry that was made at a commit, on no branch, can only have been made here. */
function isOnlyFromHere(
  { place, others, names }: Search,
  { id, parent, at }: { readonly id: string; readonly parent: string; readonly at: number },
): boolean {
  const makers = others.filter(({ head, log, noted }) => {
    if (noted !== undefined) return log.visited.has(parent) && !noted.stash.has(id);
    const isLoose = (to: string): boolean => !names.has(`refs/heads/${to}`);
    return head === parent || log.moves.some(({ commit, to }) => commit === parent && isLoose(to));
  });
  if (makers.length === 0) return true;
  return wasReset(place.admin, at) && !makers.some(({ admin }) => wasReset(admin, at));
}

/** Git resets a worktree when it has put all of its changes into the stash, and writes down where it was. */
function wasReset(admin: string, at: number): boolean {
  const written = statSync(join(admin, 'ORIG_HEAD'), { throwIfNoEntry: false });
  const seconds = (written?.mtimeMs ?? 0) / 1000 - at;
  return seconds > -1 && seconds < RESET_WITHIN_S;
}

const RESET_WITHIN_S = 5;

/** Git drops entries by their number only, and numbers change when somebody else adds one in that moment. */
async function dropEntry(git: Git, common: string, slot: string, id: string): Promise<void> {
  const { stash } = readSharedRefs(common);
  const number = stash.toReversed().findIndex(({ commit }) => commit === id);
  if (number === -1) return;
  const dropped = await git.attempt(['stash', 'drop', `stash@{${number}}`], { directory: slot });
  const [, gone = id] = /\(([0-9a-f]{40,64})\)\s*$/.exec(dropped.stdout) ?? [];
  if (gone === id) return;
  const { message = '' } = stash.find(({ commit }) => commit === gone) ?? {};
  await git.attempt(['stash', 'store', '-m', message, gone], { directory: slot });
}

/** The branches and tags, by their full names, and the entries of the stash: all worktrees of a repository share them. */
interface SharedRefs {
  readonly names: ReadonlySet<string>;
  readonly stash: readonly LogLine[];
}

/**
 * Reads them from git's own files: no process is worth it, since most workers make nothing of the kind. At once, since
 * each of the few small files takes longer to wait for than to read.
 */
function readSharedRefs(commonDirectory: string): SharedRefs {
  const packed = readRegular(join(commonDirectory, 'packed-refs'));
  const names = new Set(
    Array.from(packed.matchAll(/^[0-9a-f]{40,64} (refs\/(?:heads|tags)\/.+)$/gm), ([, name = '']) => name),
  );
  for (const folder of ['refs/heads', 'refs/tags'])
    for (const name of looseRefs(commonDirectory, folder)) names.add(name);
  return { names, stash: parseLog(readRegular(join(commonDirectory, 'logs', 'refs', 'stash'))) };
}

/** What was there before a worker began: full names, and ids of entries. */
interface Noted {
  readonly names: ReadonlySet<string>;
  readonly stash: ReadonlySet<string>;
}

/** Writes down beside a slot what is there now; a crash leaves the old note or the new one. */
export function noteSharedRefs(slot: string, commonDirectory: string): void {
  const { names, stash } = readSharedRefs(commonDirectory);
  const fresh = `${noteOf(slot)}.new`;
  writeFileSync(fresh, JSON.stringify({ names: [...names], stash: stash.map(({ commit }) => commit) }));
  renameSync(fresh, noteOf(slot));
}

/** What was written down last; undefined where that cannot be told. */
function readNoted(slot: string): Noted | undefined {
  try {
    const { names, stash } = JSON.parse(readFileSync(noteOf(slot), 'utf8')) as Record<string, unknown>;
    if (!Array.isArray(names) || !Array.isArray(stash)) return undefined;
    return { names: new Set<string>(names), stash: new Set<string>(stash) };
  } catch {
    return undefined;
  }
}

/** Of a slot that is gone. */
export function forgetNoted(slot: string): void {
  rmSync(noteOf(slot), { force: true });
}

function noteOf(slot: string): string {
  return `${slot}.refs`;
}

function looseRefs(commonDirectory: string, folder: string): string[] {
  try {
    return readdirSync(join(commonDirectory, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !entry.name.endsWith('.lock'))
      .map((entry) => join(entry.parentPath, entry.name).slice(join(commonDirectory, '/').length));
  } catch {
    return [];
  }
}
