import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import type { Stamped } from '../../src/domain/event.ts';
import type { ScenarioInput } from '../../src/simulator/scenario.ts';
import { startSimulator, type Simulator } from '../../src/simulator/server.ts';
import { openStore } from '../../src/store/sqlite-store.ts';
import type { TaskStore } from '../../src/store/store.ts';
import { makeDraft } from './arbitrary-tasks.ts';
import { runTool, type ToolResult } from './cli.ts';
import { anyClaude } from './simulator.ts';
import { processes, until } from './worker-rig.ts';

const TOOL = resolve('bin/claude-orchestrator.js');
const CLOCK = resolve('tests/rig/hurried-clock.js');

/** Who pays: a subscription's login, or an API key. */
export type Login = 'subscription' | 'api_key';

/** The last line that `run --json` prints. */
interface SummaryLine {
  readonly type: 'summary';
  readonly outcome: string;
  readonly message: string;
}

/** The real tool at work, with `--json`. */
export interface RunningTool {
  readonly process: ChildProcess;
  /** The events that it has printed so far. */
  readonly events: () => Stamped[];
  /** Resolves to the first event of this type; rejects with all output where the tool ends before. */
  readonly event: <T extends Stamped['type']>(type: T) => Promise<Extract<Stamped, { type: T }>>;
  /** Sets its clock this far ahead in milliseconds, all leaps together. */
  readonly leap: (ms: number) => void;
  readonly end: Promise<{ code: number | null; output: string; summary: SummaryLine | undefined }>;
}

/** A repository with one commit and with tasks. */
export interface AccountProject {
  readonly directory: string;
  readonly git: (...args: string[]) => string;
  /** Runs the tool to its end. */
  readonly tool: (...args: string[]) => Promise<ToolResult>;
  /** Starts `run --no-plan --json`. */
  start(args?: readonly string[]): RunningTool;
  /** Returns what `status --json` prints. */
  status(): Promise<unknown>;
  withStore<T>(use: (store: TaskStore) => T): T;
}

/** An account and its home on one machine, a simulated API behind it, and any number of projects that use it. */
export interface Account {
  readonly simulator: Simulator;
  readonly home: string;
  /** Makes a repository with these files, text by path, and so many tasks, called `Write part 1` and so on. */
  project(
    tasks: number,
    config?: Readonly<Record<string, unknown>>,
    files?: Readonly<Record<string, string>>,
  ): AccountProject;
  /**
   * Returns the commands of processes that were started with this home and are still alive. A git session ends a moment
   * after the tool, so this waits for git processes.
   */
  leftovers(): Promise<string[]>;
  close(): Promise<void>;
}

/** Opens an account. */
export async function openAccount(login: Login, scenario: ScenarioInput): Promise<Account> {
  const simulator = await startSimulator(scenario);
  const root = mkdtempSync(join(tmpdir(), 'account-'));
  const home = join(root, 'home');
  mkdirSync(home);
  const claude = anyClaude(root);
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: home,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_AUTHOR_NAME: 'Ada',
    GIT_AUTHOR_EMAIL: 'ada@example.com',
    GIT_COMMITTER_NAME: 'Ada',
    GIT_COMMITTER_EMAIL: 'ada@example.com',
    ANTHROPIC_BASE_URL: simulator.url,
    CLAUDE_CONFIG_DIR: join(home, '.claude'),
    // The real CLI accepts bypassPermissions from root in a sandbox only.
    IS_SANDBOX: '1',
    ...(login === 'api_key'
      ? { ANTHROPIC_API_KEY: 'sk-ant-simulated-key' }
      : { CLAUDE_CODE_OAUTH_TOKEN: 'sk-ant-oat01-simulated' }),
  };
  const running = new Map<ChildProcess, Promise<unknown>>();
  const mark = { variable: 'HOME', value: home };
  let [projects, tools] = [0, 0];

  return {
    simulator,
    home,
    leftovers: async () => {
      const left = (): string[] => processes.findMarked(mark).map(({ pid }) => commandOf(pid));
      let found: string[] = [];
      await until(() => (found = left()).every((command) => !/^git |^$/.test(command)));
      return found;
    },
    project: (tasks, config = {}, files = { 'README.md': 'Hello\n' }) => {
      const directory = join(root, `project-${++projects}`);
      const git: AccountProject['git'] = (...args) =>
        execFileSync('git', args, { cwd: directory, encoding: 'utf8', env });
      const tool: AccountProject['tool'] = (...args) =>
        runTool(args, { cwd: directory, limitMs: 230_000, env });
      const standard = standardConfig(claude, login, config);
      makeProject(directory, { ...files, 'orchestrator_config.json': JSON.stringify(standard) }, git);
      const file = join(directory, '.taskmaster', 'tasks.db');
      const withStore: AccountProject['withStore'] = (use) => {
        const store = openStore({ file, tag: 'master', create: true });
        try {
          return use(store);
        } finally {
          store.close();
        }
      };
      const ids = Array.from({ length: tasks }, (_, index) => String(index + 1));
      const drafts = ids.map((id) => makeDraft(id, { title: `Write part ${id}` }));
      withStore((store) => store.addTasks(drafts, { source: 'test' }));
      return {
        directory,
        git,
        tool,
        withStore,
        status: async () => JSON.parse((await tool('status', '--json')).stdout) as unknown,
        start: (args = []) => {
          const clock = join(root, `clock-${++tools}`);
          const tool = startTool(['run', '--no-plan', '--json', ...args], directory, env, clock);
          running.set(tool.process, tool.end);
          void tool.end.then(() => running.delete(tool.process));
          return tool;
        },
      };
    },
    close: async () => {
      for (const child of running.keys()) child.kill('SIGKILL');
      await Promise.all(running.values());
      await processes.endMarked(mark, { graceMs: 0 });
      await simulator.close();
      rmSync(root, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/**
 * Text that only this task's prompt contains. The title alone is not enough: every prompt has titles of earlier
 * commits.
 */
export function promptOf(task: number): string {
  return `Task ${task}: Write part ${task}`;
}

/** Rules for workers: each one writes its file, and then reports. */
export function partRules(tasks: number, more: object = {}): ScenarioInput['rules'] {
  return Array.from({ length: tasks }, (_, index) => ({
    name: `part ${index + 1}`,
    when: { role: 'worker' as const, contains: promptOf(index + 1) },
    turns: [
      {
        tools: [{ name: 'Write', input: { file_path: `{{cwd}}/part-${index + 1}.txt`, content: 'part\n' } }],
        ...more,
      },
      { json: { status: 'completed', summary: 'Wrote it.', handover: '', followUps: [] }, ...more },
    ],
  }));
}

/** The configuration for runs against the simulated API, with `config` added to it. */
function standardConfig(claude: string, login: Login, config: object): object {
  const { execution, claude_cli, monitoring, ...rest } = config as Readonly<Record<string, object>>;
  return {
    claude_cli: { command: claude, auth: login, ...claude_cli },
    execution: { max_workers: 4, retry_base_delay: 0.05, retry_max_delay: 0.2, ...execution },
    monitoring: { enable_opus_review: false, ...monitoring },
    git: { auto_commit: true },
    ...rest,
  };
}

function makeProject(
  directory: string,
  files: Readonly<Record<string, string>>,
  git: AccountProject['git'],
): void {
  mkdirSync(join(directory, '.taskmaster'), { recursive: true });
  const all = { ...files, '.gitignore': '.taskmaster/\norchestrator_config.json\n' };
  for (const [path, content] of Object.entries(all)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), content);
  }
  git('init', '-q', '-b', 'main');
  git('add', '.');
  git('commit', '-qm', 'Begin');
}

function startTool(
  args: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>>,
  clock: string,
): RunningTool {
  const child = spawn(process.execPath, [TOOL, ...args], {
    cwd,
    env: { ...env, HURRIED_CLOCK: clock, NODE_OPTIONS: `--import=${CLOCK}` },
  });
  let [output, errors, isOver] = ['', '', false];
  child.stdin.end();
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  const lines = (): (Stamped | SummaryLine)[] =>
    output
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Stamped | SummaryLine);
  const events = (): Stamped[] => lines().filter((line) => line.type !== 'summary');
  const find = <T extends Stamped['type']>(type: T): Extract<Stamped, { type: T }> | undefined =>
    events().find((event): event is Extract<Stamped, { type: T }> => event.type === type);
  const end = once(child, 'close').then(([code]: (number | null)[]) => {
    isOver = true;
    const summary = lines().findLast((line): line is SummaryLine => line.type === 'summary');
    return { code: code ?? null, output: output + errors, summary };
  });
  return {
    process: child,
    events,
    event: async (type) => {
      await until(() => isOver || find(type) !== undefined);
      const found = find(type);
      if (found === undefined) throw new Error(`It ended without ${type}.\n${output}${errors}`);
      return found;
    },
    leap: (ms) => writeFileSync(clock, String(ms)),
    end,
  };
}

/** Empty for a process that has ended meanwhile, even if its parent has not waited for it yet. */
function commandOf(pid: number): string {
  const { stdout } = spawnSync('ps', ['-o', 'stat=,args=', '-p', String(pid)], { encoding: 'utf8' });
  const [, state = '', command = ''] = /^(\S+)\s+(.*)$/s.exec(stdout.trim()) ?? [];
  return state.startsWith('Z') ? '' : command;
}
