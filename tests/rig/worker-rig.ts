import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { LimitObservation } from '../../src/domain/usage-limit.ts';
import type { Attempt, AttemptEnd, Phase, ProcessIdentity } from '../../src/domain/attempt.ts';
import type { WorkerProgress } from '../../src/domain/event.ts';
import { WorkerPool } from '../../src/domain/worker-pool.ts';
import type { ClaudeSettings } from '../../src/worker/claude/command.ts';
import { Gates } from '../../src/worker/gates/gates.ts';
import { createLocalWorker, type LocalWorkerOptions } from '../../src/worker/local-worker.ts';
import {
  createProcessTable,
  type Marker,
  type ProcessTable,
} from '../../src/worker/process/process-table.ts';
import { createCommandRunner } from '../../src/worker/gates/run-command.ts';
import type { Assignment, Worker, WorkerHooks } from '../../src/worker/worker.ts';
import type { Workspace } from '../../src/workspace/workspace.ts';
import { createSharedDirectory } from '../../src/workspace/shared-directory.ts';
import { makeTask } from './arbitrary-tasks.ts';

/** The process table of the machine the tests run on. */
export const processes: ProcessTable = createProcessTable({
  platform: process.platform,
  pid: process.pid,
  kill: (pid, signal) => process.kill(pid, signal),
});

const FAKE_CLAUDE = resolve('tests/rig/fake-claude.js');

/** What the fake Claude CLI does, one step for each property. See `fake-claude.js`. */
export type Step = Readonly<Record<string, unknown>>;

/** A call that the fake Claude CLI got. */
export interface FakeCall {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly prompt: string;
  readonly pid: number;
}

/** What a worker reported while it worked. */
export interface RecordedHooks {
  readonly spawned: ProcessIdentity[];
  readonly phases: Phase[];
  readonly progress: WorkerProgress[];
  readonly workspaces: Workspace[];
  readonly landings: string[];
  readonly warnings: string[];
  readonly limits: LimitObservation[];
  readonly hooks: WorkerHooks;
}

/** Options of a worker that differ from the defaults of the rig. */
type RigOptions = Partial<LocalWorkerOptions> & { readonly verifyTimeoutMs?: number };

/** A directory to work in, a fake Claude CLI, and workers that use it. */
export interface WorkerRig {
  readonly root: string;
  readonly project: string;
  readonly claude: ClaudeSettings;
  readonly marker: Marker;
  /** Says what the fake CLI does at its first call, its second, and so on. */
  script(...calls: readonly (readonly Step[])[]): void;
  calls(): FakeCall[];
  options(overrides?: RigOptions): LocalWorkerOptions;
  worker(overrides?: RigOptions): Worker;
  attempt(overrides?: Partial<Attempt>): Attempt;
  assignment(overrides?: Partial<Assignment>): Assignment;
  /** One attempt from its start to its end. */
  run(overrides?: RigOptions, signal?: AbortSignal): Promise<AttemptEnd & { recorded: RecordedHooks }>;
  /** Everything that the attempts of this rig started and that is still alive. */
  leftovers(): ProcessIdentity[];
  close(): Promise<void>;
}

/** Hooks that record what a worker reports. */
export function recordHooks(): RecordedHooks {
  const recorded = {
    spawned: [] as ProcessIdentity[],
    phases: [] as Phase[],
    progress: [] as WorkerProgress[],
    workspaces: [] as Workspace[],
    landings: [] as string[],
    warnings: [] as string[],
    limits: [] as LimitObservation[],
  };
  return {
    ...recorded,
    hooks: {
      onSpawn: (identity) => recorded.spawned.push(identity),
      onPhase: (phase) => recorded.phases.push(phase),
      onWorkspace: (workspace) => recorded.workspaces.push(workspace),
      onLanding: (commit) => recorded.landings.push(commit),
      onLimits: (observation) => recorded.limits.push(observation),
      onWarning: (message) => recorded.warnings.push(message),
      onProgress: (progress) => recorded.progress.push(progress),
    },
  };
}

/** Creates a rig. `environment` is added to that of the CLI. */
export async function workerRig(environment: Record<string, string> = {}): Promise<WorkerRig> {
  const root = await mkdtemp(join(tmpdir(), 'worker-rig-'));
  const project = join(root, 'project');
  await mkdir(project);
  const marker = { variable: 'CLAUDE_ORCHESTRATOR_ATTEMPT', value: `${root}/1` };
  const claude: ClaudeSettings = {
    command: process.execPath,
    commandArguments: [FAKE_CLAUDE],
    environment: { PATH: process.env['PATH'], HOME: root, FAKE_CLAUDE_DIR: root, ...environment },
    billing: 'api_key',
    tools: ['Bash', 'Read', 'Edit', 'Write', 'Glob', 'Grep'],
    permissionMode: 'acceptEdits',
    allowedTools: [],
    disallowedTools: [],
    settingSources: 'user',
    settings: null,
    maxTurns: null,
    maxApiRetries: 0,
    bashDefaultTimeoutMs: null,
    bashMaxTimeoutMs: null,
    bashMaxOutputLength: null,
    systemPrompt: '',
    extraFlags: [],
  };
  const rig: WorkerRig = {
    root,
    project,
    claude,
    marker,
    script: (...calls) => writeFileSync(join(root, 'steps.json'), JSON.stringify(calls)),
    calls: () => {
      const file = join(root, 'calls.ndjson');
      if (!existsSync(file)) return [];
      // The last line may be incomplete.
      const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1);
      return lines.map((line) => JSON.parse(line) as FakeCall);
    },
    options: ({ verifyTimeoutMs = 60_000, ...overrides } = {}) => ({
      claude,
      workspaces: createSharedDirectory(project),
      processes,
      project: root,
      timeouts: { totalMs: 90_000, stallMs: 60_000, graceMs: 10_000, afterResultMs: 60_000 },
      verifyCommands: [],
      gates: new Gates({
        commands: overrides.verifyCommands ?? [],
        run: createCommandRunner({
          table: processes,
          environment: claude.environment,
          timeoutMs: verifyTimeoutMs,
          graceMs: 10_000,
        }),
        verdicts: { get: () => undefined, put: () => undefined },
        withCheckout: null,
        warn: () => undefined,
      }),
      reviewer: null,
      maxReviewRounds: 2,
      onReviewLimit: 'fail',
      landing: new WorkerPool(1),
      snapshotMs: 60_000,
      now: Date.now,
      ...overrides,
    }),
    worker: (overrides) => createLocalWorker(rig.options(overrides)),
    attempt: (overrides = {}) => ({
      id: 1,
      runId: 'run-1',
      taskId: '1',
      number: 1,
      sessionId: '0d9f5f0e-6c1f-4b55-9f0e-3d7a3f6b2a11',
      resumed: false,
      forkedFrom: null,
      maxCostUsd: null,
      model: 'sonnet',
      directory: project,
      files: join(root, 'attempts', '1'),
      branch: null,
      base: null,
      landing: null,
      process: null,
      phase: 'preparing',
      startedAt: new Date().toISOString(),
      endedAt: null,
      end: null,
      ...overrides,
    }),
    assignment: (overrides = {}) => ({
      task: makeTask('1', { title: 'Write hello.txt' }),
      parent: null,
      attempt: rig.attempt(),
      handovers: [],
      previous: null,
      continues: null,
      finished: null,
      earlierFiles: [],
      review: null,
      maxCostUsd: null,
      ...overrides,
    }),
    run: async (overrides, signal = new AbortController().signal) => {
      const recorded = recordHooks();
      const end = await rig.worker(overrides).run(rig.assignment(), recorded.hooks, signal);
      return { ...end, recorded };
    },
    leftovers: () => processes.findMarked(marker),
    close: async () => {
      await processes.endMarked(marker, { graceMs: 0 });
      await rm(root, { recursive: true, force: true, maxRetries: 5 });
    },
  };
  return rig;
}

/** Waits until a condition holds that another process causes. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await delay(10);
}

/** Lines of stream-json as the CLI prints them. */
export const lines = {
  init: { type: 'system', subtype: 'init', session_id: 's', model: 'claude-sonnet-5-5' },
  text: (text: string): object => ({
    type: 'assistant',
    message: {
      id: 'msg_1',
      model: 'claude-sonnet-5-5',
      content: [{ type: 'text', text }],
      usage: { input_tokens: 100, output_tokens: 1 },
    },
  }),
  tool: (name: string, input: object): object => ({
    type: 'assistant',
    message: {
      id: 'msg_1',
      model: 'claude-sonnet-5-5',
      content: [{ type: 'tool_use', id: 'toolu_1', name, input }],
      usage: { input_tokens: 100, output_tokens: 1 },
    },
  }),
  result: (overrides: object = {}): object => ({
    type: 'result',
    subtype: 'success',
    is_error: false,
    terminal_reason: 'completed',
    num_turns: 2,
    result: 'done',
    structured_output: { status: 'completed', summary: 'Did it.', handover: 'hello.txt', followUps: [] },
    permission_denials: [],
    modelUsage: USAGE,
    model_usage_since_last_result: USAGE,
    ...overrides,
  }),
};

const USAGE = {
  'claude-sonnet-5-5': {
    inputTokens: 1000,
    outputTokens: 50,
    cacheReadInputTokens: 300,
    cacheCreationInputTokens: 200,
    costUSD: 0.003,
  },
};
