import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startSimulator, type Simulator } from '../../src/simulator/server.ts';
import { inspectStore } from '../../src/store/inspect-store.ts';
import { openStore } from '../../src/store/sqlite-store.ts';
import { readUserState, type Charged, type Evidence } from './checker.ts';
import { REPOSITORY, SCENARIO, TASKS } from './scenario.ts';

/** When a run is to be killed. */
export type KillOrder =
  | { readonly kind: 'never' }
  /** At the first boundary of a share that is not spared, after some others were let pass. */
  | {
      readonly kind: 'boundary';
      readonly spare: readonly string[];
      readonly share: readonly [index: number, count: number];
      readonly skip: number;
    }
  /** So long after its start; `everything`: with all that it and its workers have started, as when a container dies. */
  | { readonly kind: 'moment'; readonly afterMs: number; readonly everything: boolean };

/** What became of one start of the tool. */
export interface Run {
  /** Where it was killed; undefined if it came to its end. */
  readonly killedAt: string | undefined;
  readonly exitCode: number | null;
  readonly output: string;
  /** The boundaries that it came to. */
  readonly passed: readonly string[];
  /** What another run said that was started beside it. */
  readonly intruder: { readonly exitCode: number | null; readonly output: string } | undefined;
}

/** A repository with tasks, on which the tool is started again and again. */
export interface Life {
  readonly root: string;
  readonly evidence: Evidence;
  /** Whether results are to be committed on the user's branch. */
  readonly commits: boolean;
  run(order: KillOrder, options?: { intruder?: boolean }): Promise<Run>;
  charged(): Charged;
  /** Content of a file on the integration branch. */
  landed(path: string): string | undefined;
  /** Ends what still runs, and removes everything unless it is to be kept. */
  close(keep: boolean): Promise<void>;
}

const LONGEST_RUN_MS = 180_000;
const PROGRAM = 'bin/claude-orchestrator.js';

/** Copies the built tool aside, so that a build meanwhile does not change what is tested. */
export function installTool(): { folder: string; remove: () => void } {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'chaos-tool-')));
  for (const part of ['bin', 'dist', 'package.json']) cpSync(part, join(folder, part), { recursive: true });
  mkdirSync(join(folder, 'preload'));
  for (const file of ['killer.js', 'write-log.js'])
    cpSync(join('tests/chaos', file), join(folder, 'preload', file));
  symlinkSync(resolve('node_modules'), join(folder, 'node_modules'));
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }) };
}

/** Makes a repository whose user has unfinished work of every kind lying about. */
export async function openLife(tool: string, commits: boolean): Promise<Life> {
  const simulator = await startSimulator(SCENARIO, { keepRequests: 50 });
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'chaos-')));
  const at = (...parts: string[]): string => join(root, ...parts);
  for (const folder of ['home', 'repository', 'cache']) mkdirSync(at(folder));
  makeRepository(at('home'), at('repository'));
  makeProject(root, tool, commits);
  const environment: Record<string, string> = {
    ...homeEnvironment(at('home')),
    XDG_CACHE_HOME: at('cache'),
    CLAUDE_CONFIG_DIR: at('home', '.claude'),
    ANTHROPIC_BASE_URL: simulator.url,
    ANTHROPIC_API_KEY: 'sk-ant-simulated-key',
  };
  const database = at('repository', '.taskmaster', 'tasks.db');
  const evidence: Evidence = {
    repository: at('repository'),
    cache: at('cache'),
    database,
    writeLog: at('writes.ndjson'),
    sessions: at('home', '.claude', 'stand-in-sessions'),
    integration: 'refs/orchestrator/integration/main',
    userVersion: inspectStore(database).format,
    before: readUserState(at('repository')),
    mark: root,
  };
  const start = (log: string | undefined, order: KillOrder): ChildProcess => {
    const orders = order.kind === 'boundary' ? order : {};
    return spawn(
      process.execPath,
      ['--import', join(tool, 'preload/killer.js'), join(tool, PROGRAM), 'run', '--json', '--no-plan'],
      {
        cwd: evidence.repository,
        env: {
          ...environment,
          CHAOS_KILLER: JSON.stringify(log === undefined ? {} : { log, root, ...orders }),
        },
        stdio: ['ignore', 'pipe', 'pipe'],
        detached: true,
      },
    );
  };
  return {
    root,
    evidence,
    commits,
    run: (order, options = {}) =>
      runOnce(start, at('boundaries.log'), root, order, options.intruder === true),
    charged: () => chargedTo(simulator),
    landed: (path) => showFile(evidence, path),
    close: async (keep) => {
      killMarked(root);
      await simulator.close();
      if (!keep) rmSync(root, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
    },
  };
}

async function runOnce(
  start: (log: string | undefined, order: KillOrder) => ChildProcess,
  log: string,
  root: string,
  order: KillOrder,
  withIntruder: boolean,
): Promise<Run> {
  rmSync(log, { force: true });
  const child = start(log, order);
  const state = { late: false };
  const kill = (): void => {
    child.kill('SIGKILL');
    if (order.kind === 'moment' && order.everything) killMarked(root);
  };
  const timers = [
    setTimeout(() => {
      state.late = true;
      child.kill('SIGKILL');
    }, LONGEST_RUN_MS),
  ];
  const ended = collect(child);
  const intruder = withIntruder
    ? await intrude(child, () => collect(start(undefined, { kind: 'never' })))
    : undefined;
  if (order.kind === 'moment') timers.push(setTimeout(kill, order.afterMs));
  const { exitCode, signal, output } = await ended;
  for (const timer of timers) clearTimeout(timer);
  const lines = existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : [];
  const boundary = lines.findLast((line) => line.startsWith('KILL '))?.slice('KILL '.length);
  if (state.late)
    return {
      killedAt: undefined,
      exitCode: null,
      output: `It did not end.\n${output}`,
      passed: lines,
      intruder,
    };
  const killedAt = signal !== 'SIGKILL' ? undefined : (boundary ?? momentOf(order, lines));
  return { killedAt, exitCode, output, passed: lines.map((line) => line.replace(/^KILL /, '')), intruder };
}

function momentOf(order: KillOrder, lines: readonly string[]): string {
  if (order.kind !== 'moment') return 'a moment nobody asked for';
  return `${order.afterMs} ms${order.everything ? ', everything' : ''} (${lines.at(-1) ?? 'nothing'})`;
}

/** Starts another run as soon as this one is at work, which is stopped meanwhile so that it cannot end before. */
async function intrude<T>(child: ChildProcess, other: () => Promise<T>): Promise<T | undefined> {
  const atWork = new Promise<boolean>((tell) => {
    child.stdout?.on('data', (text: string) => {
      if (text.includes('attempt-started')) tell(true);
    });
    child.once('exit', () => tell(false));
  });
  if (!(await atWork)) return undefined;
  child.kill('SIGSTOP');
  await delay(20);
  const isStopped = /\) T /.test(statOf(child.pid ?? 0));
  try {
    return isStopped ? await other() : undefined;
  } finally {
    child.kill('SIGCONT');
  }
}

function statOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return '';
  }
}

async function collect(
  child: ChildProcess,
): Promise<{ exitCode: number | null; signal: string | null; output: string }> {
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => (output = (output + text).slice(-20_000)));
  // Not `close`: what a killed run has started may hold its output open.
  const [exitCode, signal] = (await once(child, 'exit')) as [number | null, string | null];
  await new Promise((next) => setImmediate(next));
  child.stdout?.destroy();
  child.stderr?.destroy();
  return { exitCode, signal, output };
}

/** Kills whatever carries the mark of a life in its environment, until nothing does. */
function killMarked(mark: string): void {
  for (let sweep = 0; sweep < 50; sweep++) {
    const marked = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && isMarked(name, mark));
    if (marked.length === 0) return;
    for (const pid of marked) {
      try {
        process.kill(Number(pid), 'SIGKILL');
      } catch {
        // It has ended by itself.
      }
    }
  }
}

function isMarked(pid: string, mark: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1').includes(mark);
  } catch {
    return false;
  }
}

function chargedTo({ ledger }: Simulator): Charged {
  const each = ledger.entries
    .filter(({ role }) => role === 'worker')
    .map(({ input, output, cacheRead, cacheWrite }) => input + output + cacheRead + cacheWrite);
  return { tokens: each.reduce((sum, tokens) => sum + tokens, 0), largest: Math.max(0, ...each) };
}

function homeEnvironment(home: string): Record<string, string> {
  return {
    PATH: process.env['PATH'] ?? '',
    HOME: home,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CEILING_DIRECTORIES: dirname(home),
  };
}

function makeRepository(home: string, repository: string): void {
  writeFileSync(
    join(home, '.gitconfig'),
    '[user]\n\tname = Ada\n\temail = ada@example.com\n[init]\n\tdefaultBranch = main\n',
  );
  const git = (...args: string[]): void =>
    void execFileSync('git', args, {
      cwd: repository,
      env: homeEnvironment(home),
      stdio: ['ignore', 'ignore', 'pipe'],
    });
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(repository, path)), { recursive: true });
    writeFileSync(join(repository, path), text);
  };
  for (const [path, text] of Object.entries(REPOSITORY)) write(path, text);
  write('.gitignore', '.env\n.taskmaster/\norchestrator_config.json\n');
  git('init', '--quiet');
  git('add', '.');
  git('commit', '--quiet', '-m', 'Begin');
  write('src/code.js', 'export const stashed = 1;\n');
  git('stash', '--quiet');
  write('notes.md', 'one\ntwo, edited\nthree\n');
  write('staged.md', 'one\ntwo, staged\nthree\n');
  git('add', 'staged.md');
  write('staged.md', 'one\ntwo, staged\nthree, edited after that\n');
  rmSync(join(repository, 'gone.md'));
  write('new.md', 'not tracked\n');
  write('src/new.js', 'export const added = 1;\n');
  git('add', 'src/new.js');
}

function makeProject(root: string, tool: string, commits: boolean): void {
  const repository = join(root, 'repository');
  const worker = join(root, 'claude');
  const [preload, standIn] = [join(tool, 'preload/write-log.js'), join(tool, 'dist/stand-in-worker.js')];
  writeFileSync(
    worker,
    `#!/bin/sh\nCHAOS_WRITE_LOG='${join(root, 'writes.ndjson')}' exec '${process.execPath}' --import '${preload}' '${standIn}' "$@"\n`,
  );
  chmodSync(worker, 0o755);
  mkdirSync(join(repository, '.taskmaster'));
  const store = openStore({ file: join(repository, '.taskmaster', 'tasks.db'), tag: 'master', create: true });
  store.addTasks(TASKS, { source: 'test' });
  store.close();
  const config = {
    claude_cli: { command: worker, auth: 'api_key' },
    execution: { max_workers: 4, max_retries: 3, retry_base_delay: 0, isolation: 'worktree' },
    verify: { commands: ['sh check.sh'] },
    git: { auto_commit: commits },
  };
  writeFileSync(join(repository, 'orchestrator_config.json'), JSON.stringify(config));
}

function showFile({ repository, integration }: Evidence, path: string): string | undefined {
  try {
    return execFileSync('git', ['show', `${integration}:${path}`], {
      cwd: repository,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  } catch {
    return undefined;
  }
}
