import { lstat, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { messageOf } from '../../domain/failure.ts';
import { GitFailed, type Git } from '../git/git.ts';
import { beginHeadLog, readHeadLog } from '../git/reflog.ts';
import { newestSnapshot, type KeepRequest } from '../snapshots/snapshot-refs.ts';
import { ownerOfWork } from '../git/ref-names.ts';
import {
  LEFT,
  endOperations,
  forceSwitch,
  forgetHalfMade,
  headOf,
  inspectSlot,
  isBeingWritten,
  isOutOfSpace,
  makeAside,
  makeSlot,
  moveNested,
  switchSlot,
  type SlotCondition,
} from './slot-worktree.ts';
import { readSlotState, writeSlotState, type SlotState } from './slot-state.ts';
import {
  findWorkerRefs,
  noteSharedRefs,
  removeWorkerRefs,
  type WorkerRef,
} from '../snapshots/worker-refs.ts';
import type { Kept, Snapshots } from '../snapshots/snapshots.ts';
import { Untouched } from './clean-worktrees.ts';

/** What the pool needs of the repository it makes worktrees of. */
export interface SlotPoolOptions {
  readonly git: Git;
  readonly snapshots: Snapshots;
  /** The folder in which slots are `w1`, `w2`, …; it need not be there. */
  readonly root: string;
  /** Where all worktrees of the repository have their common files. */
  readonly commonDirectory: string;
  /** A commit that is there, for worktrees that lost the link to theirs. */
  readonly base: () => Promise<string>;
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly warn: (message: string) => void;
}

/** A slot that somebody works in. */
export interface Slot {
  readonly directory: string;
  readonly state: SlotState;
}

/** Who has worked in a slot of which nothing is known. */
const NOBODY = { runId: 'unknown', taskId: '0' };
const EMPTY: SlotState = {
  occupant: null,
  branch: null,
  base: null,
  prepared: null,
  copied: [],
  usedAt: 0,
  workingSince: null,
};

/**
 * Worktrees that tasks use one after the other, since a warm one is ready in a hundredth of the time of a new one.
 *
 *     free ──lease──► leased ──occupy──► occupied ──release: kept──► free
 *                                           │
 *                                  (killed) └──► occupied by nobody alive ──settle: kept──► free
 */
export class SlotPool {
  readonly #options: SlotPoolOptions;
  /** Undefined: something is there of which nothing is known. */
  readonly #states = new Map<string, SlotState | undefined>();
  /** Those that must not be given away: leased, reserved, or with something in them that could not be kept. */
  readonly #taken = new Set<string>();
  #beingMade = 0;

  readonly #untouched: Untouched;

  constructor(options: SlotPoolOptions) {
    this.#options = options;
    this.#untouched = new Untouched(options.git);
  }

  /**
   * Finds the slots that are there, and keeps what a killed run has left in them. Those in which one of the `reserved`
   * paths is wait for whoever asks for them. Returns what people should know.
   */
  async open(reserved: readonly string[]): Promise<string[]> {
    const { root, commonDirectory } = this.#options;
    await mkdir(root, { recursive: true });
    await forgetHalfMade(root, commonDirectory);
    for (const name of await readdir(root)) {
      const slot = join(root, name.replace(/\.json$/, ''));
      if (!/^w[1-9]\d*(?:\.json)?$/.test(name)) continue;
      this.#states.set(slot, await readSlotState(slot));
      if (reserved.some((path) => path === slot || path.startsWith(join(slot, '/')))) this.#taken.add(slot);
    }
    const notes: string[] = [];
    for (const [slot, state] of this.#states) {
      if (this.#taken.has(slot) || !this.#isOccupied(slot) || !(await this.settle(slot))) continue;
      if (state?.occupant == null) continue;
      notes.push(`What an earlier run had left of task ${state.occupant.taskId} in ${slot} is kept.`);
    }
    return notes;
  }

  /** The slot in which there is work of that name that is not kept yet, and nobody at it. */
  findLeft(branch: string): string | undefined {
    return [...this.#states].find(([slot, state]) => state?.branch === branch && this.#isOccupied(slot))?.[0];
  }

  /** The slot that holds a path. */
  find(path: string): string | undefined {
    return [...this.#states.keys()].find((slot) => path === slot || path.startsWith(join(slot, '/')));
  }

  stateOf(slot: string): SlotState {
    return this.#states.get(slot) ?? EMPTY;
  }

  /** A slot at `commit`, if possible the one that work `near` was in last; nobody else gets it until it is given back. */
  async lease(near: string, commit: string): Promise<Slot> {
    for (;;) {
      const directory = this.#choose(near);
      // Before anything is awaited: several ask at the same moment.
      this.#taken.add(directory);
      if (!this.#states.has(directory)) this.#states.set(directory, EMPTY);
      try {
        if (await this.#ready(directory, commit)) return { directory, state: this.stateOf(directory) };
      } catch (error) {
        this.#taken.delete(directory);
        throw error;
      }
      // It stays taken: it is a person's for as long as this run lasts.
    }
  }

  /** The slot that a name stands for, outside of those that tasks get. */
  async visit(name: string, commit: string): Promise<Slot> {
    const directory = join(this.#options.root, name);
    this.#states.set(directory, (await readSlotState(directory)) ?? EMPTY);
    this.#taken.add(directory);
    if (!(await this.#ready(directory, commit)))
      throw new Error(`The worktree ${directory} is locked. Unlock it with \`git worktree unlock\`.`);
    return { directory, state: this.stateOf(directory) };
  }

  /** Writes down what a slot is. With an occupant, what is in it will be kept before it is given to others. */
  async write(slot: string, state: SlotState): Promise<void> {
    await writeSlotState(slot, state);
    this.#states.set(slot, state);
  }

  /** Says whose work is done in a slot from now on. */
  async occupy(slot: string, work: Required<Pick<SlotState, 'occupant' | 'branch' | 'base'>>): Promise<void> {
    const { commonDirectory } = this.#options;
    const condition = inspectSlot(slot, commonDirectory);
    if (condition.kind === 'sound' && work.branch !== null && work.base !== null)
      await beginHeadLog(condition.admin, work.branch, work.base);
    noteSharedRefs(slot, commonDirectory);
    const now = this.#options.now();
    await this.write(slot, { ...this.stateOf(slot), ...work, usedAt: now, workingSince: now });
  }

  /** Reserves a slot that is in use already. */
  take(slot: string): void {
    this.#taken.add(slot);
  }

  /** Gives back a slot in which nobody has worked. */
  async abandon(slot: string): Promise<void> {
    const written = this.write(slot, { ...this.stateOf(slot), occupant: null });
    await written.finally(() => this.#taken.delete(slot));
  }

  /**
   * Keeps what is in a slot and frees it. The ref of its work is moved to what was kept, or removed where that `landed`.
   * Where it cannot be kept the slot stays as it is, and the answer is false.
   */
  async settle(
    slot: string,
    prepared: string | null = null,
    landed = false,
    why = 'at the end of its attempt',
  ): Promise<boolean> {
    const { git, root, commonDirectory, base, now, snapshots, warn } = this.#options;
    const state = this.stateOf(slot);
    this.#taken.add(slot);
    try {
      const condition = inspectSlot(slot, commonDirectory);
      if (condition.kind === 'locked') return false;
      if (condition.kind === 'absent') await this.#settleGone(state, landed);
      else {
        const isSeen = landed && this.#untouched.wasSeenNow(slot);
        const isStill = await this.#isStill(slot, condition, isSeen);
        const still = isStill ? this.#untouched.commitOf(slot) : undefined;
        const commit = still ?? (await this.keep(slot, why, condition)).commit;
        const branch = this.#workIn(state, condition);
        const made = await this.#madeIn(slot, condition);
        if (made.length > 0) {
          const request = await this.#requestFor(slot, why, condition);
          const note = await snapshots.keepRefs(slot, request, made, commit);
          if (note !== undefined) warn(note);
        }
        if (condition.kind === 'sound' && still === undefined) {
          await endOperations(condition.admin);
          // Off whatever branch its worker has made or switched to.
          await git.moveRefs(headOf(condition.admin, commit));
          const moved = await moveNested(git, slot, condition.admin, await base(), join(root, LEFT));
          if (moved.length > 0)
            warn(`Repositories that were made in ${slot} are kept in ${moved.join(', ')}.`);
        }
        await removeWorkerRefs(git, commonDirectory, slot, made);
        if (branch !== null) await this.#moveWork(branch, landed ? null : commit);
      }
      await this.write(slot, { ...state, occupant: null, prepared, usedAt: now(), workingSince: null });
    } catch (error) {
      warn(`What is in the worktree ${slot} could not be kept, so it stays as it is: ${messageOf(error)}`);
      return false;
    }
    this.#taken.delete(slot);
    return true;
  }

  /** Keeps what is in a slot now, as a commit. */
  async keep(slot: string, why: string, condition?: SlotCondition, takesIndex = false): Promise<Kept> {
    if (condition?.kind === 'broken') await this.#unlink(slot);
    const request = await this.#requestFor(slot, why, condition);
    const kept = await this.#options.snapshots.keep(slot, { ...request, takesIndex });
    if (kept.unread !== '') throw new Error(`git cannot read all of it: ${kept.unread}`);
    if (takesIndex && !kept.hasRepositories && condition?.kind === 'sound')
      this.#untouched.note(slot, condition.admin, kept.commit);
    else this.#untouched.forget(slot);
    return kept;
  }

  /**
   * Puts a slot to a commit, and leaves out what is so already. `isClean`: all that is in it was captured just now. What
   * it held before is thrown away, so that has to be kept already.
   */
  async put(slot: string, commit: string, isClean = false): Promise<void> {
    const { git, commonDirectory } = this.#options;
    const before = inspectSlot(slot, commonDirectory);
    const known = this.#untouched.commitOf(slot);
    if (known === commit && (await this.#isStill(slot, before))) return;
    await switchSlot(git, slot, commit, isClean || this.#untouched.wasSeenNow(slot) ? 'captured' : 'used');
    if (before.kind === 'sound' && known !== undefined) this.#untouched.note(slot, before.admin, commit);
  }

  async #isStill(slot: string, condition: SlotCondition, isSeen = false): Promise<boolean> {
    return condition.kind === 'sound' && (await this.#untouched.isStill(slot, condition.admin, isSeen));
  }

  /** A free slot; a new one where there is none. */
  #choose(near: string): string {
    const free = [...this.#states].filter(([slot]) => !this.#taken.has(slot) && /\/w\d+$/.test(slot));
    const [best] = free.sort(([, a = EMPTY], [, b = EMPTY]) => {
      return Number(b.branch === near) - Number(a.branch === near) || a.usedAt - b.usedAt;
    });
    if (best !== undefined) return best[0];
    let number = 1;
    while (this.#states.has(join(this.#options.root, `w${number}`))) number++;
    return join(this.#options.root, `w${number}`);
  }

  /** Puts a slot to a commit, whatever state it is in; false where it is somebody's. */
  async #ready(slot: string, commit: string): Promise<boolean> {
    const { git, commonDirectory } = this.#options;
    const condition = inspectSlot(slot, commonDirectory);
    if (condition.kind === 'absent') return await this.#make(slot, commit);
    if (condition.kind === 'locked') return false;
    if (this.#isOccupied(slot) && !(await this.settle(slot))) return false;
    this.#taken.add(slot);
    if (condition.kind === 'broken') {
      await this.keep(slot, 'its worktree had lost the link to the repository', condition);
      if (!(await makeSlot(git, slot, commonDirectory, commit))) return false;
    } else {
      if (condition.branch !== null && !this.#isOccupied(slot)) return false;
      if (isBeingWritten(condition.admin)) return false;
      await endOperations(condition.admin);
    }
    return await this.#switch(slot, commit);
  }

  async #switch(slot: string, commit: string): Promise<boolean> {
    const { git, root, commonDirectory, warn } = this.#options;
    try {
      await switchSlot(git, slot, commit, 'used');
      return true;
    } catch (error) {
      if (isOutOfSpace(error) || !(error instanceof GitFailed)) throw error;
    }
    try {
      const condition = inspectSlot(slot, commonDirectory);
      if (condition.kind !== 'sound') throw new Error(`${slot} is no worktree any more.`);
      await forceSwitch(git, slot, condition.admin, commit);
      return true;
    } catch (error) {
      if (isOutOfSpace(error)) throw error;
      const aside = await makeAside(root);
      await rename(slot, join(aside, basename(slot)));
      warn(`The worktree ${slot} could not be reused; what was in it is in ${aside}: ${messageOf(error)}`);
      return await this.#make(slot, commit);
    }
  }

  async #make(slot: string, commit: string): Promise<boolean> {
    const { git, commonDirectory } = this.#options;
    this.#beingMade++;
    try {
      // Killed in the middle, it must not look like a slot in which all files were removed.
      await this.write(slot, { ...this.stateOf(slot), occupant: null, prepared: null });
      if (!(await makeSlot(git, slot, commonDirectory, commit))) return false;
      await switchSlot(git, slot, commit, 'new', this.#beingMade);
      return true;
    } finally {
      this.#beingMade--;
    }
  }

  /** Takes away what a directory that is no worktree any more has for a link, which may be a repository of its own. */
  async #unlink(slot: string): Promise<void> {
    const { root, warn } = this.#options;
    const link = join(slot, '.git');
    if ((await lstat(link).catch(() => undefined))?.isDirectory() !== true) {
      await rm(link, { force: true });
      return;
    }
    const aside = await makeAside(root);
    await rename(link, join(aside, '.git'));
    warn(`The repository that was made in ${slot} is kept in ${aside}.`);
  }

  /** The last snapshot is all that there is of the work in a slot that was deleted. */
  async #settleGone({ occupant, branch, base }: SlotState, landed: boolean): Promise<void> {
    const { git } = this.#options;
    if (occupant === null || branch === null) return;
    const newest = await newestSnapshot(git, occupant);
    const isOfIt =
      newest !== undefined &&
      (await git.attempt(['merge-base', '--is-ancestor', base ?? newest, newest])).exitCode === 0;
    if (landed) await this.#moveWork(branch, null);
    else if (isOfIt) await this.#moveWork(branch, newest);
  }

  async #requestFor(slot: string, why: string, condition?: SlotCondition): Promise<KeepRequest> {
    const { git, base } = this.#options;
    const state = this.stateOf(slot);
    const work = this.#workIn(state, condition);
    const { runId, taskId } = state.occupant ?? ownerOfWork(work ?? '') ?? NOBODY;
    // A repository that was cloned again in the place of a deleted one has not all of that one's commits.
    const began = state.base === null ? undefined : await git.commitAt(state.base);
    const { copied: without, workingSince } = state;
    return { runId, taskId, why, base: began ?? (await base()), without, workingSince };
  }

  /** What the worker of a slot has made in the repository that all of them share. */
  async #madeIn(slot: string, condition: SlotCondition): Promise<WorkerRef[]> {
    const { git, commonDirectory } = this.#options;
    if (condition.kind !== 'sound' || !this.#isOccupied(slot)) return [];
    const { admin, branch } = condition;
    const place = { slot, admin, branch, since: this.stateOf(slot).usedAt, slots: () => this.#byAdmin() };
    return await findWorkerRefs(git, commonDirectory, place);
  }

  /** All slots, by where git keeps their index and HEAD. */
  #byAdmin(): Map<string, { readonly slot: string; readonly isBusy: boolean }> {
    const found = [...this.#states.keys()].flatMap((slot) => {
      const condition = inspectSlot(slot, this.#options.commonDirectory);
      const known = { slot, isBusy: this.#isOccupied(slot) };
      return condition.kind === 'sound' ? [[condition.admin, known] as const] : [];
    });
    return new Map(found);
  }

  /** What work is in a slot; where its state was lost, git's own log of it tells. */
  #workIn({ branch }: SlotState, condition: SlotCondition | undefined): string | null {
    if (branch !== null || condition?.kind !== 'sound') return branch;
    return readHeadLog(condition.admin).work;
  }

  async #moveWork(name: string, commit: string | null): Promise<void> {
    const { git } = this.#options;
    const ref = `refs/${name}`;
    await git.exclusive(() =>
      git.tryMoveRefs([commit === null ? `delete ${ref}` : `update ${ref} ${commit}`]),
    );
  }

  #isOccupied(slot: string): boolean {
    const state = this.#states.get(slot);
    return this.#states.has(slot) && (state === undefined || state.occupant !== null);
  }
}
