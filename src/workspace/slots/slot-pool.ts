import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../../domain/failure.ts';
import { GitFailed } from '../git/git.ts';
import { beginReflog } from '../git/reflog.ts';
import { writeRefsBaseline } from '../snapshots/worker-refs.ts';
import { SlotStates, UNUSED, type SlotState } from './slot-state.ts';
import { SlotWork, type SlotWorkOptions } from './slot-work.ts';
import {
  createSlot,
  endOperations,
  forceSwitchSlot,
  forgetUnfinishedSlots,
  inspectSlot,
  isBeingWritten,
  isOutOfSpace,
  moveAside,
  switchSlot,
} from './slot-worktree.ts';

/** What the pool needs of the repository it makes worktrees of. */
export interface SlotPoolOptions extends SlotWorkOptions {
  /** Unix milliseconds. */
  readonly now: () => number;
}

/** How an attempt in a slot has ended. */
export interface SlotEnd {
  /** The key of the setup that is still installed in the slot; null where setup has to run again. */
  readonly prepared?: string | null;
  /** Whether all of the work is part of the integration branch. */
  readonly landed?: boolean;
  /** What the snapshot says of it, e.g. `when its attempt was interrupted`. */
  readonly why?: string | undefined;
}

/**
 * Worktrees that tasks use one after the other: to reuse one takes a hundredth of the time that a new one takes.
 *
 *     free ──lease──► leased ──assign──► held ──release: work is kept──► free
 *                                         │
 *                     (run was killed)    └──► held, nobody works there ──release: work is kept──► free
 */
export class SlotPool {
  readonly states = new SlotStates();
  readonly work: SlotWork;
  readonly #options: SlotPoolOptions;
  /** Slots that nobody else may get: leased, reserved, or with work in them that could not be kept. */
  readonly #taken = new Set<string>();
  #beingCreated = 0;

  constructor(options: SlotPoolOptions) {
    this.#options = options;
    this.work = new SlotWork(options, this.states);
  }

  /**
   * Finds the slots that exist, and keeps the work that a killed run has left in them. Slots that hold one of the
   * `reserved` paths are left for whoever asks for them. Returns what people should know.
   */
  async open(reserved: readonly string[]): Promise<string[]> {
    const { root, commonDirectory } = this.#options;
    await mkdir(root, { recursive: true });
    await forgetUnfinishedSlots(root, commonDirectory);
    for (const name of await readdir(root)) {
      if (!/^w[1-9]\d*(?:\.json)?$/.test(name)) continue;
      await this.states.load(join(root, name.replace(/\.json$/, '')));
    }
    for (const path of reserved) {
      const slot = this.states.find(path);
      if (slot !== undefined) this.reserve(slot);
    }
    const notes: string[] = [];
    for (const slot of this.states.all()) {
      const { holder } = this.states.of(slot);
      if (this.#taken.has(slot) || !this.states.isHeld(slot) || !(await this.release(slot))) continue;
      if (holder === null) continue;
      notes.push(`What an earlier run left of task ${holder.taskId} in ${slot} is kept.`);
    }
    return notes;
  }

  /** Reserves a slot and puts it to `commit`; if possible, the slot that work `near` was in last. */
  async lease(near: string, commit: string): Promise<string> {
    for (;;) {
      const slot = this.#choose(near);
      // Before anything is awaited: several ask at the same moment.
      this.reserve(slot);
      this.states.add(slot);
      try {
        if (await this.#bringTo(slot, commit)) return slot;
      } catch (error) {
        this.#taken.delete(slot);
        throw error;
      }
      // It stays reserved: for as long as this run lasts, it belongs to a person.
    }
  }

  /** Returns the slot with this name at `commit`; tasks never get it. */
  async leaseNamed(name: string, commit: string): Promise<string> {
    const slot = join(this.#options.root, name);
    await this.states.load(slot, UNUSED);
    this.reserve(slot);
    if (await this.#bringTo(slot, commit)) return slot;
    throw new Error(`The worktree ${slot} is locked. Unlock it with \`git worktree unlock\`.`);
  }

  /** Records whose work is done in a leased slot from now on. */
  async assign(slot: string, work: Pick<SlotState, 'holder' | 'branch' | 'base'>): Promise<void> {
    const { commonDirectory, now } = this.#options;
    const status = inspectSlot(slot, commonDirectory);
    if (status.kind === 'intact' && work.branch !== null && work.base !== null)
      await beginReflog(status.admin, work.branch, work.base);
    writeRefsBaseline(slot, commonDirectory);
    const began = now();
    await this.states.update(slot, { ...work, usedAt: began, workingSince: began });
  }

  /** Makes sure that nobody else gets a slot. */
  reserve(slot: string): void {
    this.#taken.add(slot);
  }

  /** Gives back a slot in which nobody has worked. */
  async abandon(slot: string): Promise<void> {
    await this.states.update(slot, { holder: null }).finally(() => this.#taken.delete(slot));
  }

  /** Keeps the work in a slot and frees the slot. Where the work cannot be kept, the slot stays as it is: false. */
  async release(
    slot: string,
    { prepared = null, landed = false, why = 'at the end of its attempt' }: SlotEnd = {},
  ): Promise<boolean> {
    const { now, warn } = this.#options;
    this.reserve(slot);
    try {
      if (!(await this.work.save(slot, landed, why))) return false;
      await this.states.update(slot, { holder: null, prepared, usedAt: now(), workingSince: null });
    } catch (error) {
      warn(`What is in the worktree ${slot} could not be kept, so it stays as it is: ${messageOf(error)}`);
      return false;
    }
    this.#taken.delete(slot);
    return true;
  }

  /** A free slot; a new one where there is none. */
  #choose(near: string): string {
    const free = this.states.all().filter((slot) => !this.#taken.has(slot) && /\/w\d+$/.test(slot));
    const [best] = free.sort((first, second) => {
      const [a, b] = [this.states.of(first), this.states.of(second)];
      return Number(b.branch === near) - Number(a.branch === near) || a.usedAt - b.usedAt;
    });
    if (best !== undefined) return best;
    let number = 1;
    while (this.states.has(join(this.#options.root, `w${number}`))) number++;
    return join(this.#options.root, `w${number}`);
  }

  /** Brings a slot to a commit, whatever is in it; false where the slot belongs to somebody. */
  async #bringTo(slot: string, commit: string): Promise<boolean> {
    const { git, commonDirectory } = this.#options;
    const status = inspectSlot(slot, commonDirectory);
    if (status.kind === 'absent') return await this.#create(slot, commit);
    if (status.kind === 'locked') return false;
    if (this.states.isHeld(slot) && !(await this.release(slot))) return false;
    this.reserve(slot);
    if (status.kind === 'broken') {
      await this.work.snapshot(slot, 'its worktree had lost the link to the repository', status);
      if (!(await createSlot(git, slot, commonDirectory, commit))) return false;
    } else {
      if (status.branch !== null && !this.states.isHeld(slot)) return false;
      if (isBeingWritten(status.admin)) return false;
      await endOperations(status.admin);
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
      const status = inspectSlot(slot, commonDirectory);
      if (status.kind !== 'intact') throw new Error(`${slot} is no longer a worktree.`);
      await forceSwitchSlot(git, slot, status.admin, commit);
      return true;
    } catch (error) {
      if (isOutOfSpace(error)) throw error;
      const aside = await moveAside(root, slot);
      warn(`The worktree ${slot} could not be reused; what was in it is in ${aside}: ${messageOf(error)}`);
      return await this.#create(slot, commit);
    }
  }

  async #create(slot: string, commit: string): Promise<boolean> {
    const { git, commonDirectory } = this.#options;
    this.#beingCreated++;
    try {
      // If the process is killed in the middle, the slot must not look like one in which all files were deleted.
      await this.states.update(slot, { holder: null, prepared: null });
      if (!(await createSlot(git, slot, commonDirectory, commit))) return false;
      await switchSlot(git, slot, commit, 'new', this.#beingCreated);
      return true;
    } finally {
      this.#beingCreated--;
    }
  }
}
