import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, relative, sep } from 'node:path';
import { execa } from 'execa';
import { fail } from '../domain/failure.ts';
import { err, ok, type Result } from '../domain/result.ts';
import { DEMO_PRD } from '../simulator/demo-project.ts';
import { DEMO_SCENARIO } from '../simulator/demo-scenario.ts';
import { startSimulator } from '../simulator/server.ts';
import { findProgram, probe } from './claude/program.ts';
import type { DemoReport, DemoRequest } from './contract/demo.ts';
import { interruptible } from './interrupt.ts';
import { CONFIG_FILE } from './project/project.ts';
import type { Services } from './services.ts';

/** How whoever asked follows a demo. */
export interface DemoView {
  /** Where the commands print: to the terminal that this process has, or nowhere unless one fails. */
  readonly output: 'inherit' | 'pipe';
  readonly onEvent: (event: DemoEvent) => void;
}

/** What happens in a demo. */
export type DemoEvent =
  | {
      readonly type: 'began';
      readonly repository: string;
      /** The address of the simulated API. */
      readonly api: string;
      readonly worker: string;
    }
  /** A command is started. */
  | { readonly type: 'command'; readonly command: string }
  | { readonly type: 'command-ended' }
  /** The tests of what the workers wrote do not pass. */
  | { readonly type: 'tests-failed'; readonly output: string };

/** A command of the tool that failed in a demo. */
export interface FailedCommand {
  readonly command: string;
  /** Null where a signal has ended it. */
  readonly exitCode: number | null;
  /** What it printed, unless that went to the terminal. */
  readonly output: string;
}

/** The program that plays the worker. */
interface DemoWorker {
  readonly name: string;
  readonly command: string;
}

const PROBE_TIMEOUT_MS = 30_000;

/** Does the whole main job on a throw-away repository, against the built-in simulator. */
export async function demo(
  request: DemoRequest,
  services: Services,
  view: DemoView,
): Promise<Result<DemoReport, FailedCommand>> {
  const root = await mkdtemp(join(tmpdir(), 'claude-orchestrator-demo-'));
  const simulator = await startSimulator(DEMO_SCENARIO);
  try {
    const left = request.keep === true ? `The repository is kept: ${root}` : 'The repository is removed.';
    return await interruptible(services, left, (stop) =>
      play(request, services, view, { root, url: simulator.url, stop }),
    );
  } finally {
    await simulator.close();
    if (request.keep !== true) await rm(root, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function play(
  { keep, standIn }: DemoRequest,
  services: Services,
  { output, onEvent }: DemoView,
  { root, url, stop }: { readonly root: string; readonly url: string; readonly stop: AbortSignal },
): Promise<Result<DemoReport, FailedCommand>> {
  const repository = join(root, 'textstat');
  const worker = await findWorker(services, standIn === true, root);
  const env = demoEnvironment(services, root, url);
  onEvent({ type: 'began', repository, api: url, worker: worker.name });
  await makeRepository(repository, env, worker.command);

  const start = performance.now();
  const flags = output === 'pipe' ? ['--quiet'] : [];
  const common = { cwd: repository, env, extendEnv: false, reject: false, cancelSignal: stop } as const;
  for (const args of [['init', '--yes', '--nested'], ['parse', 'prd.md'], ['run'], ['status']]) {
    const command = args.join(' ');
    onEvent({ type: 'command', command: `claude-orchestrator ${command}` });
    const { exitCode, all } = await execa(services.nodePath, [services.scriptPath, ...args, ...flags], {
      ...common,
      stdin: 'ignore',
      stdout: output,
      stderr: output,
      all: true,
      forceKillAfterDelay: false,
    });
    if (stop.aborted || exitCode !== 0)
      return err({ command, exitCode: exitCode ?? null, output: typeof all === 'string' ? all : '' });
    onEvent({ type: 'command-ended' });
  }

  onEvent({ type: 'command', command: 'node --test' });
  const tests = await execa(services.nodePath, ['--test'], common);
  const passed = /^# pass (\d+)$/m.exec(tests.stdout)?.[1] ?? /pass (\d+)/.exec(tests.stdout)?.[1] ?? '0';
  const isPassed = tests.exitCode === 0;
  if (!isPassed && !stop.aborted) onEvent({ type: 'tests-failed', output: tests.stdout });
  const files = (await readdir(repository, { recursive: true })).filter(
    (file) => /^(src|test|bin)\/|\.json$|\.md$/.test(file) && !file.startsWith('.'),
  );
  return ok({
    passed: isPassed,
    tests: Number(passed),
    files: files.length,
    seconds: (performance.now() - start) / 1000,
    worker: worker.name,
    repository: keep === true ? repository : null,
  });
}

async function makeRepository(
  repository: string,
  env: Record<string, string>,
  worker: string,
): Promise<void> {
  await mkdir(repository);
  await writeFile(join(repository, 'prd.md'), DEMO_PRD);
  const config = {
    execution: { max_workers: 3 },
    verify: { commands: ['node --test'] },
    claude_cli: { command: worker, auth: 'api_key' },
  };
  await writeFile(join(repository, CONFIG_FILE), `${JSON.stringify(config, null, 2)}\n`);
  await git(repository, env, 'init', '--quiet');
  // The run commits under this name too.
  await git(repository, env, 'config', 'user.name', 'Demo');
  await git(repository, env, 'config', 'user.email', 'demo@example.com');
  await git(repository, env, 'add', '.');
  await git(repository, env, 'commit', '--quiet', '-m', 'Requirements');
}

/** The real Claude CLI where there is one, else the stand-in: a small program with the same interface. */
async function findWorker(services: Services, standIn: boolean, root: string): Promise<DemoWorker> {
  // In a checkout, the node_modules of the package itself have the CLI; they lie beside dist/.
  const packageRoot = dirname(dirname(services.scriptPath));
  const env = {
    ...services.env,
    PATH: [join(packageRoot, 'node_modules', '.bin'), services.env['PATH'] ?? ''].join(delimiter),
  };
  if (!standIn) {
    const found = await probe('claude', ['--version'], {
      cwd: root,
      env,
      timeoutMs: PROBE_TIMEOUT_MS,
      signal: new AbortController().signal,
      kill: services.kill,
    });
    if (found.kind === 'ended' && found.exitCode === 0) {
      const path = findProgram('claude', { cwd: root, path: env.PATH }) ?? 'claude';
      const shown = path.startsWith(`${services.cwd}${sep}`) ? relative(services.cwd, path) : path;
      return { name: `the Claude CLI ${found.stdout.trim()}, ${shown}`, command: path };
    }
  }
  const command = join(root, 'claude');
  const program = join(packageRoot, 'dist', 'stand-in-worker.js');
  await writeFile(command, `#!/bin/sh\nexec '${services.nodePath}' '${program}' "$@"\n`);
  await chmod(command, 0o755);
  return {
    name: 'a stand-in for the Claude CLI (install that with `npm install -g @anthropic-ai/claude-code`)',
    command,
  };
}

/** The environment of a demo has nothing of the user: no credentials, no settings, no home. */
function demoEnvironment(services: Services, root: string, url: string): Record<string, string> {
  const kept = [
    'PATH',
    'LANG',
    'LC_ALL',
    'TERM',
    'COLORTERM',
    'NO_COLOR',
    'FORCE_COLOR',
    'CI',
    'TMPDIR',
    'NODE_EXTRA_CA_CERTS',
  ];
  const env = Object.fromEntries(
    kept.flatMap((name) => (services.env[name] === undefined ? [] : [[name, services.env[name]]])),
  );
  return {
    ...env,
    HOME: root,
    CLAUDE_CONFIG_DIR: join(root, '.claude'),
    ANTHROPIC_BASE_URL: url,
    ANTHROPIC_API_KEY: 'sk-ant-demo-simulated',
  };
}

async function git(cwd: string, env: Record<string, string>, ...args: string[]): Promise<void> {
  const result = await execa('git', args, { cwd, env, extendEnv: false, reject: false });
  if (result.exitCode === undefined)
    fail(
      'wrong-usage',
      'The demo needs git, which cannot be started.',
      'Install git from https://git-scm.com.',
    );
  if (result.exitCode !== 0)
    fail('wrong-usage', `The demo could not make its repository: git ${args[0] ?? ''}: ${result.stderr}`);
}
