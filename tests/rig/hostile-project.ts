import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { AttemptEnd } from '../../src/domain/attempt.ts';
import type { Delivery, Stamped } from '../../src/domain/event.ts';
import { startSimulator, type Simulator } from '../../src/simulator/server.ts';
import { openStore } from '../../src/store/sqlite-store.ts';
import { rulesFor, type Job } from './hostile-jobs.ts';
import { standInProgram } from './simulator.ts';
import { draft } from './task-project.ts';

/** How one project differs from the rest. */
export interface HostileOptions {
  readonly jobs: Readonly<Record<string, Job>>;
  /** Parts of `orchestrator_config.json`. */
  readonly config?: Readonly<Record<string, object>>;
  /** What the user has committed; text by path. */
  readonly files?: Readonly<Record<string, string>>;
  /** Where the repository is, and where worktrees are made, if not in the project's own folder. */
  readonly repository?: string;
  readonly cache?: string;
  /** The working directory below the repository. */
  readonly below?: string;
}

/** How a run ended, and what it told. */
export interface HostileRun {
  readonly code: number | null;
  readonly events: readonly Stamped[];
  readonly stderr: string;
  /** How the attempts at a task ended, the first one first. */
  ends(taskId: string): readonly AttemptEnd[];
  outcomes(taskId: string): readonly string[];
  readonly delivery: Delivery | undefined;
  readonly warnings: string;
  /** All of it, for the message of an assertion. */
  readonly told: string;
}

/** What happens while a run works. */
interface During {
  /** Once the worker of this task has written what it writes and waits; it goes on afterwards. */
  readonly held?: Readonly<Record<string, (worktree: string) => void>>;
  /** At every event, as soon as it is told; `kill` ends the tool as `kill -9` does. */
  readonly onEvent?: (event: Stamped, kill: () => void) => void;
  readonly env?: Readonly<Record<string, string>>;
}

/** A user's repository with tasks in it, to which things happen while the real tool works in it. */
export interface HostileProject {
  readonly root: string;
  readonly repository: string;
  readonly cache: string;
  /** First on the PATH of the tool. */
  readonly bin: string;
  readonly simulator: Simulator;
  /** Runs the tool to its end. */
  run(during?: During): Promise<HostileRun>;
  tool(...args: string[]): Promise<{ readonly code: number | null; readonly output: string }>;
  /** Git as the user, in their checkout. */
  git(...args: string[]): string;
  write(files: Readonly<Record<string, string>>): void;
  /** Whether some ref holds a file with this content. */
  isKept(content: string): boolean;
  /** The worktrees that tasks get, without those of gates. */
  readonly slots: () => string[];
  readonly database: string;
  close(): Promise<void>;
}

const TOOL = resolve('bin/claude-orchestrator.js');
export const INTEGRATION = 'refs/orchestrator/integration/main';
const LONGEST_MS = 180_000;

/** Makes one. */
export async function hostileProject(options: HostileOptions): Promise<HostileProject> {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'hostile-')));
  const [home, bin, signals] = [join(root, 'home'), join(root, 'bin'), join(root, 'signals')];
  const repository = options.repository ?? join(root, 'repository');
  const cache = options.cache ?? join(root, 'cache');
  for (const folder of [home, bin, signals, repository, cache]) mkdirSync(folder, { recursive: true });
  const directory = join(repository, options.below ?? '');
  const { jobs } = options;
  const simulator = await startSimulator({
    rules: Object.keys(jobs)
      .toReversed()
      .flatMap((id) => rulesFor(id, jobs[id] ?? {}, signals)),
  });
  const environment = {
    PATH: `${bin}:${process.env['PATH'] ?? ''}`,
    HOME: home,
    XDG_CACHE_HOME: cache,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CEILING_DIRECTORIES: dirname(repository),
    CLAUDE_CONFIG_DIR: join(home, '.claude'),
    ANTHROPIC_BASE_URL: simulator.url,
    ANTHROPIC_API_KEY: 'sk-ant-simulated-key',
  };
  const gitIn = (cwd: string, args: readonly string[], input = ''): string =>
    execFileSync('git', args, {
      cwd,
      input,
      encoding: 'utf8',
      // The user's git is the real one, whatever is on the PATH of the tool.
      env: { ...environment, PATH: process.env['PATH'] ?? '' },
      stdio: ['pipe', 'pipe', 'pipe'],
      maxBuffer: 1 << 28,
    }).trimEnd();
  const git = (...args: string[]): string => gitIn(repository, args);
  const write = (files: Readonly<Record<string, string>>, folder = repository): void => {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
  };

  write({ '.gitconfig': GIT_CONFIG }, home);
  write(options.files ?? { 'a.txt': 'one\ntwo\nthree\n' });
  write({ '.gitignore': '.taskmaster/\norchestrator_config.json\n' });
  git('init', '-q');
  git('add', '.');
  git('commit', '-qm', 'Begin');
  const config = {
    claude_cli: {
      command: standInProgram(root),
      auth: 'api_key',
      permission_mode: 'bypassPermissions',
    },
    monitoring: { enable_opus_review: false },
    execution: { max_workers: 2, max_retries: 2, retry_base_delay: 0, isolation: 'worktree' },
    git: { auto_commit: true },
  };
  write({ 'orchestrator_config.json': JSON.stringify(mergeParts(config, options.config ?? {})) }, directory);
  mkdirSync(join(directory, '.taskmaster'), { recursive: true });
  const database = join(directory, '.taskmaster', 'tasks.db');
  const store = openStore({ file: database, tag: 'master', create: true });
  const drafts = Object.entries(jobs).map(([id, { needs = [] }]) => draft(id, needs));
  store.addTasks(drafts, { source: 'test' });
  store.close();

  const start = (args: readonly string[], env: Readonly<Record<string, string>> = {}) => {
    const child = spawn(process.execPath, [TOOL, ...args], {
      cwd: directory,
      env: { ...environment, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const state = { late: false };
    const limit = setTimeout(() => {
      state.late = true;
      child.kill('SIGTERM');
    }, LONGEST_MS);
    const ended = (async () => {
      const [code] = (await once(child, 'close')) as [number | null];
      clearTimeout(limit);
      return { code, late: state.late };
    })();
    child.stdout.setEncoding('utf8');
    child.stderr.setEncoding('utf8');
    return { child, ended };
  };

  return {
    root,
    repository,
    cache,
    bin,
    simulator,
    git,
    write,
    database,
    async run({ held = {}, onEvent, env } = {}) {
      const { child, ended } = start(['run', '--json', '--no-plan'], env);
      const state = { stderr: '', rest: '', isOver: false };
      const events: Stamped[] = [];
      child.stderr.on('data', (text: string) => (state.stderr += text));
      child.stdout.on('data', (text: string) => {
        const lines = (state.rest + text).split('\n');
        state.rest = lines.pop() ?? '';
        for (const line of lines) {
          const event = JSON.parse(line) as Stamped | { readonly type?: never; readonly error: object };
          if (event.type === undefined) {
            state.stderr += line;
            continue;
          }
          events.push(event);
          onEvent?.(event, () => child.kill('SIGKILL'));
        }
      });
      const over = ended.then((end) => ((state.isOver = true), end));
      const waits = Object.entries(held).map(async ([id, act]) => {
        const [reached, go] = [join(signals, `reached-${id}`), join(signals, `go-${id}`)];
        while (!existsSync(reached)) {
          if (state.isOver) return;
          await delay(20);
        }
        const prepared = events.findLast((event) => event.type === 'attempt-prepared' && event.taskId === id);
        try {
          act(prepared?.type === 'attempt-prepared' ? prepared.directory : '');
        } finally {
          writeFileSync(go, '');
        }
      });
      const [{ code, late }] = await Promise.all([over, ...waits]);
      const report = describeRun(code, events, state.stderr);
      if (late) throw new Error(`The run did not end.\n${report.told}`);
      return report;
    },
    async tool(...args) {
      const { child, ended } = start(args);
      const state = { output: '' };
      for (const stream of [child.stdout, child.stderr])
        stream.on('data', (text: string) => (state.output += text));
      const { code } = await ended;
      return { code, output: state.output };
    },
    isKept(content) {
      const blob = gitIn(repository, ['hash-object', '--stdin'], content);
      return git('rev-list', '--objects', '--all').includes(blob);
    },
    slots: () =>
      git('worktree', 'list', '--porcelain')
        .split('\n')
        .flatMap((line) => /^worktree (.*\/w\d+)$/.exec(line)?.[1] ?? []),
    async close() {
      // Those who still wait for somebody who does not come.
      for (const id of Object.keys(jobs)) writeFileSync(join(signals, `go-${id}`), '');
      await simulator.close();
      rmSync(root, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
    },
  };
}

const GIT_CONFIG = '[user]\n\tname = Ada\n\temail = ada@example.com\n[init]\n\tdefaultBranch = main\n';

function mergeParts(
  config: Readonly<Record<string, object>>,
  parts: Readonly<Record<string, object>>,
): Readonly<Record<string, object>> {
  const merged = Object.entries(parts).map(([name, part]) => [name, { ...config[name], ...part }] as const);
  return { ...config, ...Object.fromEntries(merged) };
}

function describeRun(code: number | null, events: readonly Stamped[], stderr: string): HostileRun {
  const ends = (taskId: string): AttemptEnd[] =>
    events.flatMap((event) => (event.type === 'attempt-ended' && event.taskId === taskId ? [event.end] : []));
  const warnings = events.flatMap((event) => (event.type === 'warning' ? [event.message] : []));
  const told = events.flatMap((event) => {
    if (event.type === 'attempt-ended')
      return [`${event.taskId} ${event.end.outcome}: ${event.end.message} ${event.end.commit ?? ''}`];
    if (event.type === 'run-delivered') return [`${event.delivery.kind}: ${event.delivery.message}`];
    if (event.type === 'run-ended') return [`${event.outcome}: ${event.message}`];
    return [];
  });
  return {
    code,
    events,
    stderr,
    ends,
    outcomes: (taskId) => ends(taskId).map(({ outcome }) => outcome),
    delivery: events.flatMap((event) => (event.type === 'run-delivered' ? [event.delivery] : [])).at(-1),
    warnings: warnings.join('\n'),
    told: `exit code ${code}\n${[...told, ...warnings].join('\n')}\n${stderr}`,
  };
}
