import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { ScenarioInput } from '../../src/simulator/scenario.ts';
import { startSimulator, type Simulator } from '../../src/simulator/server.ts';
import { openStore } from '../../src/store/sqlite-store.ts';
import type { TaskStore } from '../../src/store/store.ts';

const TOOL = resolve('bin/claude-orchestrator.js');

/** How a command ended, and everything it printed. */
interface ToolEnd {
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command at work. */
export interface StartedTool {
  readonly process: ChildProcess;
  /** What it has printed so far. */
  readonly output: { stdout: string; stderr: string };
  readonly end: Promise<ToolEnd>;
}

/** How a command is started differently. */
interface ToolOptions {
  readonly input?: string | Uint8Array;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** A set-up project without git, a simulator of the API behind it, and the real binary on it. */
export interface ProjectRig {
  readonly directory: string;
  readonly simulator: Simulator;
  readonly env: Readonly<Record<string, string>>;
  tool(args: readonly string[], options?: ToolOptions): Promise<ToolEnd>;
  start(args: readonly string[], options?: ToolOptions): StartedTool;
  /** Reads or changes the store as another process would. */
  withStore<T>(use: (store: TaskStore) => T): T;
  /** How many questions reached the model. */
  questions(): string[];
  /** Ends every process it started and removes its directories. */
  close(): Promise<void>;
}

/** Starts a simulator and makes a project for it, as `init` would. */
export async function projectRig(scenario: ScenarioInput): Promise<ProjectRig> {
  const simulator = await startSimulator(scenario);
  const root = await mkdtemp(join(tmpdir(), 'project-rig-'));
  const [home, directory] = [join(root, 'home'), join(root, 'project')];
  await mkdir(home);
  await mkdir(join(directory, '.taskmaster'), { recursive: true });
  const file = join(directory, '.taskmaster', 'tasks.db');
  openStore({ file, tag: 'master', create: true }).close();
  const env = {
    // Without the Claude CLI, so that nothing but the simulator can be asked.
    PATH: '/usr/bin:/bin',
    HOME: home,
    ANTHROPIC_BASE_URL: simulator.url,
    ANTHROPIC_API_KEY: 'sk-ant-simulated-key',
    CLAUDE_ORCHESTRATOR__EXECUTION__MAX_RETRIES: '0',
  };
  const running = new Map<ChildProcess, Promise<ToolEnd>>();

  const start: ProjectRig['start'] = (args, options = {}) => {
    const child = spawn(process.execPath, [TOOL, ...args], {
      cwd: options.cwd ?? directory,
      env: { ...env, ...options.env },
    });
    const output = { stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output.stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (output.stderr += text));
    // A command that refuses its input before it has read all of it is what some tests want.
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.input);
    const end = once(child, 'close').then(([exitCode, signal]: (number | string | null)[]) => {
      running.delete(child);
      return { exitCode: exitCode as number | null, signal: signal as string | null, ...output };
    });
    running.set(child, end);
    return { process: child, output, end };
  };

  return {
    directory,
    simulator,
    env,
    start,
    tool: (args, options) => start(args, options).end,
    withStore: (use) => {
      const store = openStore({ file, tag: 'master', create: false });
      try {
        return use(store);
      } finally {
        store.close();
      }
    },
    questions: () =>
      simulator.requests.filter(({ path }) => path.startsWith('/v1/messages')).map(({ body }) => body),
    close: async () => {
      for (const child of running.keys()) child.kill('SIGKILL');
      await Promise.all(running.values());
      await simulator.close();
      await rm(root, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** A task as the manager writes it. */
export function writtenTask(
  id: string,
  title: string,
  dependencies: readonly string[] = [],
): Record<string, unknown> {
  return {
    id,
    title,
    description: `${title}, in short.`,
    details: `${title}, at length.`,
    testStrategy: 'npm test',
    priority: 'medium',
    dependencies,
    size: 'M',
    estimateMinutes: 8,
    touches: ['src/**'],
    risk: 'low',
  };
}
