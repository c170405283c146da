import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Attempt } from '../../src/domain/attempt.ts';
import { IntegrationBranch } from '../../src/workspace/landing/integration-branch.ts';
import { Snapshots } from '../../src/workspace/snapshots/snapshots.ts';
import type { Git } from '../../src/workspace/git/git.ts';
import type { Change, LandingRequest } from '../../src/workspace/workspace.ts';
import { makeTask } from './arbitrary-tasks.ts';
import { CheckoutRig } from './checkout-rig.ts';

/** Files by path; null removes one. */
export type Files = Readonly<Record<string, string | null>>;

/** A user's repository with one commit on `main`, and worktrees in which workers work. */
export class LandingRig extends CheckoutRig {
  readonly runnerOfTool: Git = this.runner;
  readonly snapshots = new Snapshots(this.runnerOfTool);
  #worktrees = 0;

  constructor(files: Files = { 'a.txt': 'one\ntwo\nthree\n', 'b.txt': 'b\n' }) {
    super();
    this.userCommits(files);
  }

  open(branch: string | null = 'main'): Promise<IntegrationBranch> {
    return IntegrationBranch.open(this.runnerOfTool, { branch, prefix: '' });
  }

  /** The user edits files in their checkout and commits them. */
  userCommits(files: Files): string {
    write(this.top, files);
    this.git('add', '-A');
    this.git('commit', '-qm', 'by the user');
    return this.git('rev-parse', 'HEAD');
  }

  /** Makes a worktree on a branch of its own, as a worker gets it. */
  worktree(from = 'HEAD'): string {
    const directory = join(this.root, `w${++this.#worktrees}`);
    this.git('worktree', 'add', '-q', '--no-track', '-b', `task-${this.#worktrees}`, directory, from);
    return directory;
  }

  /** Changes files as a worker does, starting from the tip of the integration branch, and returns the change. */
  async work(
    integration: IntegrationBranch,
    files: Files,
    { taskId = '1', protectedPaths = [] as readonly string[], from = '' } = {},
  ): Promise<Change> {
    const directory = this.worktree(from === '' ? await integration.tip() : from);
    write(directory, files);
    const { commit } = await this.snapshots.take(directory, { runId: 'r', taskId, why: 'done' });
    return integration.changeOf(commit, protectedPaths);
  }

  /** Merges a change and lands it. */
  async land(integration: IntegrationBranch, change: Change, taskId = '1'): Promise<string> {
    const merged = await integration.merge(change);
    if (merged.kind === 'conflict') throw new Error(`It conflicts in ${merged.files.join(', ')}.`);
    const commit = await integration.land(landing(merged, { taskId }), () => undefined);
    if (commit === undefined) throw new Error('The branch is elsewhere.');
    return commit;
  }

  /** The content of a file in a commit. */
  show(commit: string, path: string): string {
    return this.git('show', `${commit}:${path}`);
  }
}

/** A request to land a tree as a task; `summary` is the worker's. */
export function landing(
  { tree, onto }: { readonly tree: string; readonly onto: string },
  { taskId = '1', title = 'Do it', summary = 'It is done.' } = {},
): LandingRequest {
  return { task: makeTask(taskId, { title }), attempt: makeAttempt(taskId), summary, tree, onto };
}

/** Writes files below a directory. */
export function write(directory: string, files: Files): void {
  for (const [path, content] of Object.entries(files)) {
    const file = join(directory, path);
    rmSync(file, { recursive: true, force: true });
    if (content === null) continue;
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
  }
}

function makeAttempt(taskId: string): Attempt {
  return {
    id: 7,
    runId: 'r',
    taskId,
    number: 1,
    sessionId: '',
    resumed: false,
    forkedFrom: null,
    maxCostUsd: null,
    model: 'sonnet',
    directory: '',
    branch: null,
    base: null,
    landing: null,
    files: '',
    process: null,
    phase: 'landing',
    startedAt: '2026-01-01T00:00:00.000Z',
    endedAt: null,
    end: null,
  };
}
