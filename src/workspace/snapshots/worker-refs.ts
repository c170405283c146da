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
import { parseReflog, readReflog, readRegularFile, type Reflog, type ReflogEntry } from '../git/reflog.ts';

/** A branch, tag or stash entry that a worker has made. The user sees it, because all worktrees share their refs. */
export interface WorkerRef {
  readonly kind: 'branch' | 'tag' | 'stash';
  /** The name as people know it: `feat/x`, or the message of a stash entry. */
  readonly name: string;
  /** The object that the ref has; the commit of a stash entry. */
  readonly id: string;
  readonly commit: string;
  /** The commit that the work began at, or that the stash entry was made at. */
  readonly parent: string;
  /** For a stash entry: a commit with the files that git did not track. */
  readonly untracked: string | null;
}

/** A worktree in which a worker was at work, and the other ones. */
export interface WorkerPlace {
  readonly slot: string;
  /** Where git keeps its index and HEAD. */
  readonly admin: string;
  /** The branch that it is on now. */
  readonly branch: string | null;
  /** When the work began, in Unix milliseconds. */
  readonly since: number;
  /** All slots, by where git keeps their index and HEAD; `isHeld` where somebody may be at work in them. */
  readonly slots: () => ReadonlyMap<string, { readonly slot: string; readonly isHeld: boolean }>;
}

/** The most refs that are handled at once, since each one costs a few processes. */
const MOST = 50;

/**
 * Finds the refs that the worker of a worktree has made since the baseline. Refs that may as well belong to the user,
 * or to another worker who still needs them, are not among them. A branch is, if its commit was made here or only this
 * worktree was on it; a tag is, if its commit was made here; a stash entry is, if nobody else can have made it.
 */
export async function findWorkerRefs(git: Git, common: string, place: WorkerPlace): Promise<WorkerRef[]> {
  const baseline = readRefsBaseline(place.slot);
  if (baseline === undefined) return [];
  const now = readSharedRefs(common);
  const refs = [...now.names].filter((name) => !baseline.names.has(name)).slice(0, MOST);
  const entries = now.stash.filter(({ commit }) => !baseline.stash.has(commit)).slice(0, MOST);
  if (refs.length === 0 && entries.length === 0) return [];
  const [log, others] = [readReflog(place.admin), findOthers(common, place)];
  const search = { git, place, log, refs, others, names: new Set([...now.names, ...baseline.names]) };
  const made: WorkerRef[] = [];
  for (const ref of refs) made.push(...(await findOwnRef(search, ref)));
  for (const { commit, at } of entries) made.push(...(await findOwnEntry(search, commit, at)));
  return made;
}

/** Removes refs that are still what was found; snapshots have them by then. */
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
  readonly log: Reflog;
  /** Names that the baseline does not have. */
  readonly refs: readonly string[];
  readonly others: readonly Other[];
  /** All names that exist now or did at the baseline. */
  readonly names: ReadonlySet<string>;
}

/** Another worktree in which somebody may be at work. */
interface Other {
  readonly admin: string;
  readonly log: Reflog;
  /** Its HEAD now: `ref: refs/heads/main`, or a commit. */
  readonly head: string;
  /** The baseline of its worker; undefined where a person works in it. */
  readonly baseline: RefsBaseline | undefined;
}

function findOthers(common: string, { admin: own, slots, since }: WorkerPlace): Other[] {
  const folder = join(realpathSync.native(common), 'worktrees');
  const known = slots();
  return [common, ...readdirSync(folder).map((name) => join(folder, name))].flatMap((admin) => {
    const found = known.get(admin);
    if (admin === own || found?.isHeld === false) return [];
    const head = readRegularFile(join(admin, 'HEAD')).trim();
    // In a person's worktree, only what happened since then matters.
    const log = readReflog(admin, found === undefined ? since : 0);
    return [{ admin, head, log, baseline: found && readRefsBaseline(found.slot) }];
  });
}

async function findOwnRef(search: Search, ref: string): Promise<WorkerRef[]> {
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

async function findOwnEntry(search: Search, id: string, at: number): Promise<WorkerRef[]> {
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

/** Whether a stash entry that was made at a commit, on no branch, can only have been made here. */
function isOnlyFromHere(
  { place, others, names }: Search,
  { id, parent, at }: { readonly id: string; readonly parent: string; readonly at: number },
): boolean {
  const makers = others.filter(({ head, log, baseline }) => {
    if (baseline !== undefined) return log.visited.has(parent) && !baseline.stash.has(id);
    const isLoose = (to: string): boolean => !names.has(`refs/heads/${to}`);
    return head === parent || log.moves.some(({ commit, to }) => commit === parent && isLoose(to));
  });
  if (makers.length === 0) return true;
  return wasReset(place.admin, at) && !makers.some(({ admin }) => wasReset(admin, at));
}

/** After git has stashed the changes of a worktree, it resets the worktree and writes ORIG_HEAD. */
function wasReset(admin: string, at: number): boolean {
  const written = statSync(join(admin, 'ORIG_HEAD'), { throwIfNoEntry: false });
  const seconds = (written?.mtimeMs ?? 0) / 1000 - at;
  return seconds > -1 && seconds < RESET_WITHIN_S;
}

const RESET_WITHIN_S = 5;

/** Git drops entries by number only. The numbers change if somebody else adds an entry at the same moment. */
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

/** The refs that all worktrees of a repository share: branches and tags by full name, and the entries of the stash. */
interface SharedRefs {
  readonly names: ReadonlySet<string>;
  readonly stash: readonly ReflogEntry[];
}

/**
 * Reads them from git's own files. Most workers make no refs, so this must not cost a process. The calls are
 * synchronous: to wait for each of the few small files takes longer than to read it.
 */
function readSharedRefs(commonDirectory: string): SharedRefs {
  const packed = readRegularFile(join(commonDirectory, 'packed-refs'));
  const names = new Set(
    Array.from(packed.matchAll(/^[0-9a-f]{40,64} (refs\/(?:heads|tags)\/.+)$/gm), ([, name = '']) => name),
  );
  for (const folder of ['refs/heads', 'refs/tags'])
    for (const name of looseRefs(commonDirectory, folder)) names.add(name);
  return { names, stash: parseReflog(readRegularFile(join(commonDirectory, 'logs', 'refs', 'stash'))) };
}

/** The refs that existed before a worker began: full names, and ids of stash entries. */
interface RefsBaseline {
  readonly names: ReadonlySet<string>;
  readonly stash: ReadonlySet<string>;
}

/** Stores the refs that exist now beside a slot. A crash leaves either the old file or the new one. */
export function writeRefsBaseline(slot: string, commonDirectory: string): void {
  const { names, stash } = readSharedRefs(commonDirectory);
  const fresh = `${baselineFile(slot)}.new`;
  writeFileSync(fresh, JSON.stringify({ names: [...names], stash: stash.map(({ commit }) => commit) }));
  renameSync(fresh, baselineFile(slot));
}

/** Reads the baseline that was stored last; undefined where none can be read. */
function readRefsBaseline(slot: string): RefsBaseline | undefined {
  try {
    const { names, stash } = JSON.parse(readFileSync(baselineFile(slot), 'utf8')) as Record<string, unknown>;
    if (!Array.isArray(names) || !Array.isArray(stash)) return undefined;
    return { names: new Set<string>(names), stash: new Set<string>(stash) };
  } catch {
    return undefined;
  }
}

/** Removes the baseline of a slot that is gone. */
export function removeRefsBaseline(slot: string): void {
  rmSync(baselineFile(slot), { force: true });
}

function baselineFile(slot: string): string {
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
