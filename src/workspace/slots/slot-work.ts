import { lstat, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Git } from '../git/git.ts';
import { ownerOfWork } from '../git/ref-names.ts';
import { readReflog } from '../git/reflog.ts';
import { findNewestSnapshot, type SnapshotRequest } from '../snapshots/snapshot-refs.ts';
import type { Snapshots, TakenSnapshot } from '../snapshots/snapshots.ts';
import { findWorkerRefs, removeWorkerRefs, type WorkerRef } from '../snapshots/worker-refs.ts';
import { CleanWorktrees } from './clean-worktrees.ts';
import type { Layout } from './layout.ts';
import type { SlotState, SlotStates } from './slot-state.ts';
import {
  endOperations,
  headUpdate,
  inspectSlot,
  moveAside,
  moveNestedRepositories,
  switchSlot,
  type SlotStatus,
} from './slot-worktree.ts';

/** What is needed to keep the work in slots. */
export interface SlotWorkOptions extends Pick<Layout, 'root' | 'commonDirectory'> {
  readonly git: Git;
  readonly snapshots: Snapshots;
  /** A commit that exists, for worktrees that have lost the link to theirs. */
  readonly base: () => Promise<string>;
  readonly warn: (message: string) => void;
}

/** The owner of work in a slot of which nothing is known. */
const UNKNOWN_OWNER = { runId: 'unknown', taskId: '0' };

/** The files in slots: takes snapshots of them, and replaces them by those of a commit. */
export class SlotWork {
  readonly #options: SlotWorkOptions;
  readonly #states: SlotStates;
  readonly #clean: CleanWorktrees;

  constructor(options: SlotWorkOptions, states: SlotStates) {
    this.#options = options;
    this.#states = states;
    this.#clean = new CleanWorktrees(options.git);
  }

  /** Takes a snapshot of what is in a slot now. With `takesIndex`, the slot's index becomes that of the snapshot. */
  async snapshot(slot: string, why: string, status?: SlotStatus, takesIndex = false): Promise<TakenSnapshot> {
    if (status?.kind === 'broken') await this.#unlink(slot);
    const request = await this.#requestFor(slot, why, status);
    const taken = await this.#options.snapshots.take(slot, { ...request, takesIndex });
    if (taken.unread !== '') throw new Error(`git cannot read all of it: ${taken.unread}`);
    if (takesIndex && !taken.hasRepositories && status?.kind === 'intact')
      this.#clean.add(slot, status.admin, taken.commit);
    else this.#clean.delete(slot);
    return taken;
  }

  /**
   * Puts a slot to a commit, unless it is there already. `isClean`: everything in it was captured just now. What it
   * held before is lost, so the caller has taken a snapshot of it.
   */
  async switchTo(slot: string, commit: string, isClean = false): Promise<void> {
    const { git, commonDirectory } = this.#options;
    const before = inspectSlot(slot, commonDirectory);
    const known = this.#clean.commitOf(slot);
    if (known === commit && (await this.#isClean(slot, before))) return;
    await switchSlot(git, slot, commit, isClean || this.#clean.wasJustChecked(slot) ? 'captured' : 'used');
    if (before.kind === 'intact' && known !== undefined) this.#clean.add(slot, before.admin, commit);
  }

  /**
   * Takes a snapshot of all work in a slot, the refs that its worker made included, and takes the slot off any branch.
   * The ref of the work is moved to the snapshot, or removed where the work has `landed`. False where a person has
   * locked the slot; throws where the work cannot be kept.
   */
  async save(slot: string, landed: boolean, why: string): Promise<boolean> {
    const { git, root, commonDirectory, base, snapshots, warn } = this.#options;
    const state = this.#states.of(slot);
    const status = inspectSlot(slot, commonDirectory);
    if (status.kind === 'locked') return false;
    if (status.kind === 'absent') {
      await this.#saveDeleted(state, landed);
      return true;
    }
    const isChecked = landed && this.#clean.wasJustChecked(slot);
    const known = (await this.#isClean(slot, status, isChecked)) ? this.#clean.commitOf(slot) : undefined;
    const commit = known ?? (await this.snapshot(slot, why, status)).commit;
    const branch = this.#workIn(state, status);
    const made = await this.#refsMadeIn(slot, status);
    if (made.length > 0) {
      const request = await this.#requestFor(slot, why, status);
      const note = await snapshots.takeRefs(slot, request, made, commit);
      if (note !== undefined) warn(note);
    }
    if (status.kind === 'intact' && known === undefined) {
      await endOperations(status.admin);
      // Its worker may have made a branch or switched to one.
      await git.moveRefs(headUpdate(status.admin, commit));
      const moved = await moveNestedRepositories(git, { slot, root, admin: status.admin }, await base());
      if (moved.length > 0) warn(`Repositories that were made in ${slot} are kept in ${moved.join(', ')}.`);
    }
    await removeWorkerRefs(git, commonDirectory, slot, made);
    if (branch !== null) await this.#moveWork(branch, landed ? null : commit);
    return true;
  }

  /** Of the work in a slot that was deleted, only the newest snapshot exists. */
  async #saveDeleted({ holder, branch, base }: SlotState, landed: boolean): Promise<void> {
    const { git } = this.#options;
    if (holder === null || branch === null) return;
    const newest = await findNewestSnapshot(git, holder);
    const isOfThisWork =
      newest !== undefined &&
      (await git.attempt(['merge-base', '--is-ancestor', base ?? newest, newest])).exitCode === 0;
    if (landed) await this.#moveWork(branch, null);
    else if (isOfThisWork) await this.#moveWork(branch, newest);
  }

  async #isClean(slot: string, status: SlotStatus, isChecked = false): Promise<boolean> {
    return status.kind === 'intact' && (await this.#clean.isClean(slot, status.admin, isChecked));
  }

  /** Removes the `.git` of a directory that is no worktree any more. It may be a repository: that is moved aside. */
  async #unlink(slot: string): Promise<void> {
    const { root, warn } = this.#options;
    const link = join(slot, '.git');
    if ((await lstat(link).catch(() => undefined))?.isDirectory() !== true) {
      await rm(link, { force: true });
      return;
    }
    const aside = await moveAside(root, link);
    warn(`The repository that was made in ${slot} is kept in ${aside}.`);
  }

  async #requestFor(slot: string, why: string, status?: SlotStatus): Promise<SnapshotRequest> {
    const { git, base } = this.#options;
    const state = this.#states.of(slot);
    const work = this.#workIn(state, status);
    const { runId, taskId } = state.holder ?? ownerOfWork(work ?? '') ?? UNKNOWN_OWNER;
    // A repository that was cloned again in the place of a deleted one does not have all commits of that one.
    const began = state.base === null ? undefined : await git.commitAt(state.base);
    const { copied: without, workingSince } = state;
    return { runId, taskId, why, base: began ?? (await base()), without, workingSince };
  }

  /** The refs that the worker of a slot has made. All worktrees of the repository share them. */
  async #refsMadeIn(slot: string, status: SlotStatus): Promise<WorkerRef[]> {
    const { git, commonDirectory } = this.#options;
    if (status.kind !== 'intact' || !this.#states.isHeld(slot)) return [];
    const { admin, branch } = status;
    const since = this.#states.of(slot).usedAt;
    const place = { slot, admin, branch, since, slots: () => this.#byAdmin() };
    return await findWorkerRefs(git, commonDirectory, place);
  }

  /** All slots, by where git keeps their index and HEAD. */
  #byAdmin(): Map<string, { readonly slot: string; readonly isHeld: boolean }> {
    const found = this.#states.all().flatMap((slot) => {
      const status = inspectSlot(slot, this.#options.commonDirectory);
      const known = { slot, isHeld: this.#states.isHeld(slot) };
      return status.kind === 'intact' ? [[status.admin, known] as const] : [];
    });
    return new Map(found);
  }

  /** The name of the work in a slot. Where the state of the slot was lost, git's own log of it says the name. */
  #workIn({ branch }: SlotState, status: SlotStatus | undefined): string | null {
    if (branch !== null || status?.kind !== 'intact') return branch;
    return readReflog(status.admin).work;
  }

  async #moveWork(name: string, commit: string | null): Promise<void> {
    const { git } = this.#options;
    const ref = `refs/${name}`;
    const command = commit === null ? `delete ${ref}` : `update ${ref} ${commit}`;
    await git.exclusive(() => git.tryMoveRefs([command]));
  }
}
