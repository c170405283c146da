import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Attempt } from '../domain/attempt.ts';
import type { Delivery } from '../domain/event.ts';
import { err, ok, type Result } from '../domain/result.ts';
import { WorkerPool } from '../domain/worker-pool.ts';
import type { CopiedFiles } from './slots/copied-files.ts';
import { deliver } from './delivery/delivery.ts';
import { GitFailed, type Git } from './git/git.ts';
import { Integration } from './landing/integration-branch.ts';
import { findLayout, type Layout } from './slots/layout.ts';
import { mergeInto } from './git/merge.ts';
import { newestSnapshot } from './snapshots/snapshot-refs.ts';
import { workName } from './git/ref-names.ts';
import { SlotPool, type Slot } from './slots/slot-pool.ts';
import { SlotSetup, type RunSetup } from './slots/slot-setup.ts';
import { Snapshots } from './snapshots/snapshots.ts';
import { takeOverRefs } from './landing/migrate-refs.ts';
import { backToCapture, type ChangesContext, type Lease } from './worktree-changes.ts';
import type { Previous, Workspace, Workspaces } from './workspace.ts';

/** How attempts get worktrees of their own. */
export interface WorktreesOptions {
  readonly git: Git;
  /** Where in the user's checkout workers would work; in a worktree they work at the same place below its top. */
  readonly workingDirectory: string;
  /** The user's, such as `~/.cache`. */
  readonly cacheDirectory: string;
  /** `workspace.root`, `.copy`, `.setup` and `.env`. */
  readonly root: string | null;
  readonly copy: readonly string[];
  readonly setup: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly runSetup: RunSetup;
  /** `git.protected_paths`, `.commit_message_prefix`, `.auto_commit` and `.deliver`. */
  readonly protectedPaths: readonly string[];
  readonly commitMessagePrefix: string;
  readonly autoCommit: boolean;
  readonly deliver: 'checkout' | 'branch' | 'pr';
  /** What a pull request says; asked for when one is opened. */
  readonly describeRun: (runId: string) => { readonly title: string; readonly body: string };
  /** The user's, for `gh`. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /**
   * Throws `Failed` where no run is possible; returns what people should know. It gets the folder in which worktrees will
   * be.
   */
  readonly preflight: (root: string) => Promise<readonly string[]>;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** Told what people should know, when it happens. */
  readonly warn: (message: string) => void;
}

const STOPPED = 'It was stopped while its worktree was prepared.';

/** A sentence for people that ends the preparation of a workspace. */
class Unprepared extends Error {
  override readonly name = 'Unprepared';
}

type Environment = Readonly<Record<string, string>>;

/** Worktrees as one run has them. */
export class WorktreeRun implements ChangesContext {
  readonly git: Git;
  readonly pool: SlotPool;
  readonly integration: Integration;
  readonly commonDirectory: string;
  readonly #options: WorktreesOptions;
  readonly #layout: Layout;
  readonly #setup: SlotSetup;
  readonly #snapshots: Snapshots;
  readonly #runId: string;
  /** Short name of the branch that the user was on. */
  readonly #target: string | null;
  readonly #gates = new WorkerPool(1);
  /** By the directory that the worker works in. */
  readonly #leases = new Map<string, Lease>();

  private constructor(
    options: WorktreesOptions,
    layout: Layout,
    integration: Integration,
    snapshots: Snapshots,
    { runId, target }: { readonly runId: string; readonly target: string | null },
  ) {
    const { git, now, warn } = options;
    const { root, commonDirectory } = layout;
    this.git = git;
    this.integration = integration;
    this.commonDirectory = commonDirectory;
    this.#options = options;
    this.#layout = layout;
    this.#snapshots = snapshots;
    this.#runId = runId;
    this.#target = target;
    this.#setup = new SlotSetup({ ...options, ...layout });
    const base = (): Promise<string> => integration.tip();
    this.pool = new SlotPool({ git, snapshots, root, commonDirectory, base, now, warn });
  }

  /** Opens them for a run that holds the project. */
  static async begin(
    options: WorktreesOptions,
    runId: string,
    unfinished: readonly Attempt[],
  ): Promise<{ readonly run: WorktreeRun; readonly notes: readonly string[] }> {
    const { git, commitMessagePrefix: prefix } = options;
    const layout = await findLayout(git, options);
    const head = await git.attempt(['symbolic-ref', '-q', '--short', 'HEAD']);
    const target = head.exitCode === 0 ? head.stdout.trim() : null;
    const checked = await options.preflight(layout.root);
    const taken = await takeOverRefs(git, layout.root);
    const integration = await Integration.open(git, { branch: target, prefix });
    const run = new WorktreeRun(options, layout, integration, new Snapshots(git), { runId, target });
    const left = await run.pool.open(unfinished.map(({ directory }) => directory));
    return { run, notes: [...checked, ...taken, ...integration.notes, ...left] };
  }

  async acquire(
    { task, attempt, previous }: Parameters<Workspaces['acquire']>[0],
    signal: AbortSignal,
  ): Promise<Result<Workspace, string>> {
    const branch = workName(attempt.runId, task.id);
    const before = previous?.attempt.branch ?? null;
    return await this.#orSentence(async () => {
      const left = previous === null ? undefined : await this.#leftBy(previous);
      const commit = left ?? (await this.integration.tip());
      const files = this.#setup.findFiles();
      // It is awaited later, or not at all.
      files.catch(() => undefined);
      const slot = await this.pool.lease(before ?? branch, commit);
      try {
        const environment = await this.#prepare(slot, await files, signal);
        if (left !== undefined && previous?.outcome === 'conflict')
          await mergeInto(this.git, slot.directory, await this.integration.tip());
        const inherited =
          previous === null || left === undefined ? '' : await this.#summarize(previous, left);
        const { directory } = slot;
        const occupant = { runId: attempt.runId, taskId: task.id, attemptId: attempt.id };
        await this.pool.occupy(directory, { occupant, branch, base: commit });
        if (before !== null && before !== branch) await this.#forget(before);
        return this.#lend(directory, { directory: '', environment, branch, base: commit, inherited });
      } catch (error) {
        await this.pool.abandon(slot.directory);
        throw error;
      }
    });
  }

  async reopen(attempt: Attempt): Promise<Result<Workspace, string>> {
    return await this.#orSentence(async () => {
      const slot = this.pool.find(attempt.directory);
      const { branch, base } = attempt;
      if (slot === undefined || branch === null)
        throw new Unprepared(`The worktree of attempt ${attempt.number} at task ${attempt.taskId} is gone.`);
      const { occupant } = this.pool.stateOf(slot);
      if (occupant !== null && occupant.attemptId !== attempt.id)
        throw new Unprepared(`The worktree ${slot} has been given to another task; what was in it is kept.`);
      const environment = await this.#environment(slot);
      await backToCapture(this, slot, attempt);
      return this.#lend(slot, { directory: '', environment, branch, base, inherited: '' });
    });
  }

  async release(workspace: Workspace, landed: boolean, why?: string): Promise<void> {
    const lease = this.#leases.get(workspace.directory);
    if (lease === undefined) return;
    const { slot, change } = lease;
    this.#leases.delete(workspace.directory);
    const { prepared, occupant } = this.pool.stateOf(slot);
    // A worker that changed what is installed has changed it for its own branch only.
    const key = await this.#setup.key(slot).catch(() => null);
    const isSame = prepared !== null && key === prepared;
    const settled = await this.pool.settle(slot, isSame ? prepared : null, landed, why);
    if (!settled || !landed || occupant === null) return;
    try {
      await this.#snapshots.prune(occupant, await this.integration.tip(), change);
    } catch (error) {
      if (!(error instanceof GitFailed)) throw error; // Kept too long is no loss.
    }
  }

  deliver(): Promise<Delivery> {
    const { autoCommit, deliver: mode, environment, describeRun } = this.#options;
    return deliver(this.git, {
      integrationRef: this.integration.ref,
      target: this.#target,
      autoCommit,
      mode,
      environment,
      pullRequest: { runId: this.#runId, ...describeRun(this.#runId) },
    });
  }

  leaseOf({ directory }: Workspace): Lease {
    const lease = this.#leases.get(directory);
    if (lease === undefined) throw new Error(`Nobody works in ${directory}.`);
    return lease;
  }

  visit<T>(
    commit: string,
    job: (workspace: Workspace) => Promise<T>,
    signal: AbortSignal,
  ): Promise<Result<T, string>> {
    return this.#gates.run(async () => {
      if (signal.aborted) return err(STOPPED);
      const workspace = await this.#orSentence(async () => {
        const files = await this.#setup.findFiles();
        const slot = await this.pool.visit('gates', commit);
        const environment = await this.#prepare(slot, files, signal);
        const directory = join(slot.directory, this.#layout.prefix);
        return { directory, environment, branch: null, base: commit, inherited: '' };
      });
      return workspace.ok ? ok(await job(workspace.value)) : workspace;
    });
  }

  /** The commit of what an earlier attempt left, wherever that is; undefined where nothing is left. */
  async #leftBy({ attempt, change }: Previous): Promise<string | undefined> {
    const { branch } = attempt;
    if (branch === null) return undefined;
    const slot = this.pool.findLeft(branch);
    const isUsed = [...this.#leases.values()].some((lease) => lease.slot === slot);
    if (slot !== undefined && !isUsed && !(await this.pool.settle(slot)))
      throw new Unprepared(
        `What an earlier attempt left in ${slot} could not be kept, so it is not continued.`,
      );
    for (const name of [...(change === undefined ? [] : [change]), `refs/${branch}`]) {
      const found = await this.git.commitAt(name);
      if (found !== undefined) return found;
    }
    // Somebody has deleted the branch; the work is kept all the same.
    return await newestSnapshot(this.git, attempt);
  }

  async #prepare({ directory, state }: Slot, files: CopiedFiles, signal: AbortSignal): Promise<Environment> {
    const environment = await this.#environment(directory);
    // A task may have removed all that was in it.
    await mkdir(join(directory, this.#layout.prefix), { recursive: true });
    const copied = unwrap(await this.#setup.copy(directory, files));
    const key = await this.#setup.key(directory);
    const isPrepared = key === state.prepared;
    // Each time it is written waits for the disk; in a warm one nothing is new.
    if (!isPrepared || !isDeepStrictEqual(copied, state.copied))
      await this.pool.write(directory, { ...state, copied, prepared: isPrepared ? key : null });
    if (!isPrepared) {
      unwrap(await this.#setup.install(directory, key, environment, signal));
      await this.pool.write(directory, { ...state, copied, prepared: key });
    }
    if (signal.aborted) throw new Unprepared(STOPPED);
    return environment;
  }

  async #environment(slot: string): Promise<Environment> {
    return unwrap(await this.#setup.environment(slot));
  }

  #lend(slot: string, workspace: Workspace & { readonly branch: string }): Workspace {
    const directory = join(slot, this.#layout.prefix);
    this.pool.take(slot);
    this.#leases.set(directory, { slot, branch: workspace.branch, at: null, change: null, combined: null });
    return { ...workspace, directory };
  }

  async #summarize({ attempt }: Previous, commit: string): Promise<string> {
    const tip = await this.integration.tip();
    const options = ['--no-color', '--no-ext-diff', '--stat=100', '--stat-count=50'];
    const changes = await this.git.run(['diff', ...options, `${tip}...${commit}`]);
    const beside = await this.#snapshots.refsBeside(attempt);
    const note = `What was in the stash, or on a branch or tag that is gone, is in ${beside.join(', ')}.`;
    return beside.length === 0 ? changes : `${changes}\n${note}`.trim();
  }

  /** Of work that goes on under another name. */
  async #forget(work: string): Promise<void> {
    await this.git.exclusive(() => this.git.tryMoveRefs([`delete refs/${work}`]));
  }

  /** What the disk, git or a set-up can do wrong is told to people; a bug stays one. */
  async #orSentence<T>(job: () => Promise<T>): Promise<Result<T, string>> {
    try {
      return ok(await job());
    } catch (error) {
      if (error instanceof Unprepared) return err(error.message);
      const isExpected = error instanceof GitFailed || (error instanceof Error && 'code' in error);
      if (!isExpected) throw error;
      return err(`No worktree could be prepared below ${this.#layout.root}: ${error.message}`);
    }
  }
}

function unwrap<T>(result: Result<T, string>): T {
  if (result.ok) return result.value;
  throw new Unprepared(result.error);
}
