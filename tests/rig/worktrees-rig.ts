import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import type { Attempt } from '../../src/domain/attempt.ts';
import type { AttemptOutcome } from '../../src/domain/outcome.ts';
import { createWorktrees } from '../../src/workspace/worktrees.ts';
import type { WorktreesOptions } from '../../src/workspace/worktree-run.ts';
import type { Changes, Workspace, Workspaces } from '../../src/workspace/workspace.ts';
import { makeTask } from './arbitrary-tasks.ts';
import { LandingRig, write, type Files } from './landing-rig.ts';

/** A user's repository, and what the tool does in it. Each `Workspaces` stands for one start of the tool. */
export class WorktreesRig extends LandingRig {
  readonly cache = join(this.root, 'cache');
  readonly warnings: string[] = [];
  #attempts = 0;

  /** Starts the tool and begins a run; `warnings` gets the notes of `begin`. */
  async start(
    options: Partial<WorktreesOptions> = {},
    unfinished: readonly Attempt[] = [],
    runId = 'r1',
  ): Promise<Workspaces & { readonly changes: Changes }> {
    const workspaces = createWorktrees({
      git: this.runner,
      workingDirectory: this.top,
      cacheDirectory: this.cache,
      root: null,
      copy: [],
      setup: [],
      env: {},
      runSetup: async (command, cwd, environment) => {
        const env = { ...this.environment, ...environment };
        const { failed, all } = await execa(command, {
          shell: true,
          cwd,
          env,
          extendEnv: false,
          reject: false,
          all: true,
        });
        return { ok: !failed, output: all };
      },
      protectedPaths: [],
      commitMessagePrefix: '',
      autoCommit: true,
      deliver: 'checkout',
      describeRun: () => ({ title: '', body: '' }),
      environment: this.environment,
      preflight: () => Promise.resolve([]),
      now: Date.now,
      warn: (message) => this.warnings.push(message),
      ...options,
    });
    this.warnings.push(...(await workspaces.begin(runId, unfinished)));
    const { changes } = workspaces;
    if (changes === null) throw new Error('Worktrees have changes.');
    return Object.assign(workspaces, { changes });
  }

  attempt(taskId: string, more: Partial<Attempt> = {}): Attempt {
    return {
      id: ++this.#attempts,
      runId: 'r1',
      taskId,
      number: 1,
      sessionId: '',
      resumed: false,
      forkedFrom: null,
      maxCostUsd: null,
      model: 'sonnet',
      directory: this.top,
      branch: null,
      base: null,
      landing: null,
      files: '',
      process: null,
      phase: 'working',
      startedAt: '2026-01-01T00:00:00.000Z',
      endedAt: null,
      end: null,
      ...more,
    };
  }

  /** Acquires a workspace for an attempt, and returns the attempt as the store would then have it. */
  async acquire(
    workspaces: Workspaces,
    attempt: Attempt,
    previous: { readonly attempt: Attempt; readonly outcome: AttemptOutcome } | null = null,
  ): Promise<{ readonly workspace: Workspace; readonly attempt: Attempt }> {
    const task = makeTask(attempt.taskId);
    const { signal } = new AbortController();
    const acquired = await workspaces.acquire({ task, attempt, previous }, signal);
    if (!acquired.ok) throw new Error(acquired.error);
    const { directory, branch, base } = acquired.value;
    return { workspace: acquired.value, attempt: { ...attempt, directory, branch, base } };
  }

  /** Does a task from acquiring its workspace to its landing. */
  async finish(
    workspaces: Workspaces & { readonly changes: Changes },
    taskId: string,
    files: Files,
  ): Promise<string> {
    const { workspace, attempt } = await this.acquire(workspaces, this.attempt(taskId));
    write(workspace.directory, files);
    const commit = await this.landWorkspace(workspaces.changes, workspace, attempt);
    await workspaces.release(workspace, true);
    return commit;
  }

  /** Captures, combines and lands what is in a workspace. */
  async landWorkspace(changes: Changes, workspace: Workspace, attempt: Attempt): Promise<string> {
    const combined = await changes.combine(workspace, await changes.capture(workspace));
    if (combined.kind === 'conflict') throw new Error(`It conflicts in ${combined.files.join(', ')}.`);
    const { tree, onto } = combined;
    const task = makeTask(attempt.taskId);
    const commit = await changes.land({ task, attempt, summary: '', tree, onto }, () => undefined);
    if (commit === undefined) throw new Error('The branch is elsewhere.');
    return commit;
  }

  /** Whether some ref of the tool's has a file with this content. */
  isKept(content: string): boolean {
    const blob = this.gitIn(this.top, ['hash-object', '--stdin'], { input: content });
    const refs = this.git('for-each-ref', '--format=%(refname)', 'refs/orchestrator');
    const objects = refs === '' ? '' : this.git('rev-list', '--objects', ...refs.split('\n'));
    return objects.includes(blob);
  }
}

/** The content of a file of a workspace; undefined where it is not there. */
export function read({ directory }: Workspace, path: string): string | undefined {
  const file = join(directory, path);
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}
