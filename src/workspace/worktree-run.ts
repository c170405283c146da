import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Attempt } from '../domain/attempt.ts';
import type { Delivery } from '../domain/event.ts';
import { err, ok, type Result } from '../domain/result.ts';
import { WorkerPool } from '../domain/worker-pool.ts';
import { deliver } from './delivery/delivery.ts';
import { GitFailed, isGitOrDiskError, type Git } from './git/git.ts';
import { mergeIntoWorktree } from './git/merge.ts';
import { workName } from './git/ref-names.ts';
import { IntegrationBranch } from './landing/integration-branch.ts';
import { migrateRefs } from './landing/migrate-refs.ts';
import type { CopiedFiles } from './slots/copied-files.ts';
import { findLayout, type Layout } from './slots/layout.ts';
import { SlotPool } from './slots/slot-pool.ts';
import { SlotSetup, type SetupOptions } from './slots/slot-setup.ts';
import { findNewestSnapshot } from './snapshots/snapshot-refs.ts';
import { Snapshots } from './snapshots/snapshots.ts';
import type { Previous, Workspace, Workspaces } from './workspace.ts';
import { returnToCapture, type ChangesContext, type Lease } from './worktree-changes.ts';

/** How attempts get worktrees of their own. */
export interface WorktreesOptions extends Pick<
  SetupOptions,
  'git' | 'copy' | 'setup' | 'env' | 'runSetup' | 'warn'
> {
  /** A directory of the user's checkout. Workers work in the same directory of their worktree. */
  readonly workingDirectory: string;
  /** The user's, such as `~/.cache`. */
  readonly cacheDirectory: string;
  /** `workspace.root`. */
  readonly root: string | null;
  /** `git.protected_paths`, `.commit_message_prefix`, `.auto_commit` and `.deliver`. */
  readonly protectedPaths: readonly string[];
  readonly commitMessagePrefix: string;
  readonly autoCommit: boolean;
  readonly deliver: 'checkout' | 'branch' | 'pr';
  /** Returns the text of a pull request; called when one is opened. */
  readonly describeRun: (runId: string) => { readonly title: string; readonly body: string };
  /** The user's, for `gh`. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /**
   * Checks the repository and the folder in which worktrees will be made. Returns what people should know; throws
   * `Failed` where no run is possible.
   */
  readonly preflight: (root: string) => Promise<readonly string[]>;
  /** Unix milliseconds. */
  readonly now: () => number;
}

const STOPPED = 'It was stopped while its worktree was prepared.';

/** Ends the preparation of a workspace with a sentence for people. */
class Unprepared extends Error {
  override readonly name = 'Unprepared';
}

type Environment = Readonly<Record<string, string>>;

/** The worktrees of one run. */
export class WorktreeRun implements ChangesContext {
  readonly git: Git;
  readonly pool: SlotPool;
  readonly integration: IntegrationBranch;
  readonly commonDirectory: string;
  readonly #options: WorktreesOptions;
  readonly #layout: Layout;
  readonly #setup: SlotSetup;
  readonly #snapshots: Snapshots;
  readonly #runId: string;
  /** The short name of the branch that the user was on; null where HEAD was detached. */
  readonly #target: string | null;
  readonly #gates = new WorkerPool(1);
  /** By the worker's directory. */
  readonly #leases = new Map<string, Lease>();

  private constructor(
    options: WorktreesOptions,
    layout: Layout,
    integration: IntegrationBranch,
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

  /** Opens the worktrees for a run that holds the project. */
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
    const taken = await migrateRefs(git, layout.root);
    const integration = await IntegrationBranch.open(git, { branch: target, prefix });
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
      const left = previous === null ? undefined : await this.#findWorkOf(previous);
      const commit = left ?? (await this.integration.tip());
      const files = this.#setup.findFiles();
      // It is awaited later, or never.
      files.catch(() => undefined);
      const slot = await this.pool.lease(before ?? branch, commit);
      try {
        const environment = await this.#prepare(slot, await files, signal);
        if (left !== undefined && previous?.outcome === 'conflict')
          await mergeIntoWorktree(this.git, slot, await this.integration.tip());
        const inherited =
          previous === null || left === undefined ? '' : await this.#summarize(previous, left);
        const holder = { runId: attempt.runId, taskId: task.id, attemptId: attempt.id };
        await this.pool.assign(slot, { holder, branch, base: commit });
        if (before !== null && before !== branch) await this.#deleteWorkRef(before);
        return this.#register(slot, { directory: '', environment, branch, base: commit, inherited });
      } catch (error) {
        await this.pool.abandon(slot);
        throw error;
      }
    });
  }

  async reopen(attempt: Attempt): Promise<Result<Workspace, string>> {
    return await this.#orSentence(async () => {
      const slot = this.pool.states.find(attempt.directory);
      const { branch, base } = attempt;
      if (slot === undefined || branch === null)
        throw new Unprepared(`The worktree of attempt ${attempt.number} at task ${attempt.taskId} is gone.`);
      const { holder } = this.pool.states.of(slot);
      if (holder !== null && holder.attemptId !== attempt.id)
        throw new Unprepared(`The worktree ${slot} has been given to another task; what was in it is kept.`);
      const environment = await this.#environment(slot);
      await returnToCapture(this, slot, attempt);
      return this.#register(slot, { directory: '', environment, branch, base, inherited: '' });
    });
  }

  async release(workspace: Workspace, landed: boolean, why?: string): Promise<void> {
    const lease = this.#leases.get(workspace.directory);
    if (lease === undefined) return;
    const { slot, change } = lease;
    this.#leases.delete(workspace.directory);
    const { prepared, holder } = this.pool.states.of(slot);
    // If the worker has changed the lock files, what is installed fits its own branch only.
    const key = await this.#setup.key(slot).catch(() => null);
    const isSame = prepared !== null && key === prepared;
    const released = await this.pool.release(slot, { prepared: isSame ? prepared : null, landed, why });
    if (!released || !landed || holder === null) return;
    try {
      await this.#snapshots.prune(holder, await this.integration.tip(), change);
    } catch (error) {
      if (!(error instanceof GitFailed)) throw error; // A snapshot that is kept too long is no loss.
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

  withCheckout<T>(
    commit: string,
    job: (workspace: Workspace) => Promise<T>,
    signal: AbortSignal,
  ): Promise<Result<T, string>> {
    return this.#gates.run(async () => {
      if (signal.aborted) return err(STOPPED);
      const workspace = await this.#orSentence(async () => {
        const files = await this.#setup.findFiles();
        const slot = await this.pool.leaseNamed('gates', commit);
        const environment = await this.#prepare(slot, files, signal);
        const directory = join(slot, this.#layout.prefix);
        return { directory, environment, branch: null, base: commit, inherited: '' };
      });
      return workspace.ok ? ok(await job(workspace.value)) : workspace;
    });
  }

  /** The commit of what an earlier attempt has done, wherever that is; undefined where nothing of it exists. */
  async #findWorkOf({ attempt, change }: Previous): Promise<string | undefined> {
    const { branch } = attempt;
    if (branch === null) return undefined;
    const slot = this.pool.states.findHeld(branch);
    const isUsed = [...this.#leases.values()].some((lease) => lease.slot === slot);
    if (slot !== undefined && !isUsed && !(await this.pool.release(slot)))
      throw new Unprepared(
        `What an earlier attempt left in ${slot} could not be kept, so it is not continued.`,
      );
    for (const name of [...(change === undefined ? [] : [change]), `refs/${branch}`]) {
      const found = await this.git.commitAt(name);
      if (found !== undefined) return found;
    }
    // Somebody has deleted the ref. A snapshot still has the work.
    return await findNewestSnapshot(this.git, attempt);
  }

  async #prepare(slot: string, files: CopiedFiles, signal: AbortSignal): Promise<Environment> {
    const environment = await this.#environment(slot);
    // A task may have removed everything in it.
    await mkdir(join(slot, this.#layout.prefix), { recursive: true });
    const copied = unwrap(await this.#setup.copy(slot, files));
    const key = await this.#setup.key(slot);
    const { states } = this.pool;
    const state = states.of(slot);
    const isPrepared = key === state.prepared;
    // Each update waits for the disk, and in a warm slot nothing has changed.
    if (!isPrepared || !isDeepStrictEqual(copied, state.copied))
      await states.update(slot, { copied, prepared: isPrepared ? key : null });
    if (!isPrepared) {
      unwrap(await this.#setup.install(slot, key, environment, signal));
      await states.update(slot, { prepared: key });
    }
    if (signal.aborted) throw new Unprepared(STOPPED);
    return environment;
  }

  async #environment(slot: string): Promise<Environment> {
    return unwrap(await this.#setup.environment(slot));
  }

  #register(slot: string, workspace: Workspace & { readonly branch: string }): Workspace {
    const directory = join(slot, this.#layout.prefix);
    this.pool.reserve(slot);
    this.#leases.set(directory, { slot, branch: workspace.branch, at: null, change: null, combined: null });
    return { ...workspace, directory };
  }

  async #summarize({ attempt }: Previous, commit: string): Promise<string> {
    const tip = await this.integration.tip();
    const options = ['--no-color', '--no-ext-diff', '--stat=100', '--stat-count=50'];
    const changes = await this.git.run(['diff', ...options, `${tip}...${commit}`]);
    const beside = await this.#snapshots.listRefSnapshots(attempt);
    const note = `What was in the stash, or on a branch or tag that is gone, is in ${beside.join(', ')}.`;
    return beside.length === 0 ? changes : `${changes}\n${note}`.trim();
  }

  /** For work that continues under another name. */
  async #deleteWorkRef(work: string): Promise<void> {
    await this.git.exclusive(() => this.git.tryMoveRefs([`delete refs/${work}`]));
  }

  /** Turns an error of the disk, git or a setup command into a sentence. Other errors are bugs and are thrown. */
  async #orSentence<T>(job: () => Promise<T>): Promise<Result<T, string>> {
    try {
      return ok(await job());
    } catch (error) {
      if (error instanceof Unprepared) return err(error.message);
      if (!isGitOrDiskError(error)) throw error;
      return err(`No worktree could be prepared below ${this.#layout.root}: ${error.message}`);
    }
  }
}

function unwrap<T>(result: Result<T, string>): T {
  if (result.ok) return result.value;
  throw new Unprepared(result.error);
}
