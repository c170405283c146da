import { printJson, useColor, stdoutWidth } from '../print.ts';
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, relative, sep } from 'node:path';
import { Command } from 'commander';
import { execa } from 'execa';
import { fail } from '../../domain/failure.ts';
import { wrap } from '../../domain/text/display-text.ts';
import { styles } from '../../domain/text/styles.ts';
import { DEMO_PRD } from '../../simulator/demo-project.ts';
import { DEMO_SCENARIO } from '../../simulator/demo-scenario.ts';
import { startSimulator } from '../../simulator/server.ts';
import { EXIT, type Cli } from '../cli.ts';
import type { DemoReport } from '../../app/contract/demo.ts';
import { interruptible } from '../../app/interrupt.ts';
import { findProgram, probe } from '../../app/claude/program.ts';
import { CONFIG_FILE } from '../../app/project/project.ts';
import { onRun, type CommonOptions, withExamples } from '../command.ts';

interface DemoOptions extends CommonOptions {
  readonly keep?: boolean;
  readonly standIn?: boolean;
}

/** The program that plays the worker. */
interface DemoWorker {
  readonly name: string;
  readonly command: string;
}

const PROBE_TIMEOUT_MS = 30_000;

/** `demo`: the whole main job on a throw-away repository, against the built-in simulator. */
export function makeCommand(cli: Cli): Command {
  const command = new Command('demo')
    .description('Show the whole job at work on a throw-away repository: no key, no network, no cost.')
    .option('--keep', 'keep the repository afterwards')
    .option('--stand-in', 'use the built-in stand-in even where the Claude CLI is installed');
  withExamples(command, ['demo', 'demo --keep']);
  return onRun<DemoOptions>(command, cli, async (options) => {
    const root = await mkdtemp(join(tmpdir(), 'claude-orchestrator-demo-'));
    const simulator = await startSimulator(DEMO_SCENARIO);
    try {
      const left = options.keep === true ? `The repository is kept: ${root}` : 'The repository is removed.';
      return await interruptible(cli, left, (stop) => playDemo(cli, options, root, simulator.url, stop));
    } finally {
      await simulator.close();
      if (options.keep !== true) await rm(root, { recursive: true, force: true, maxRetries: 5 });
    }
  });
}

async function playDemo(
  cli: Cli,
  options: DemoOptions,
  root: string,
  url: string,
  stop: AbortSignal,
): Promise<number> {
  const { stdout } = cli;
  const style = styles(useColor(cli, options));
  const say = (text: string): void => {
    if (options.json !== true)
      stdout.write(`${text}
`);
  };
  const repository = join(root, 'textstat');
  const worker = await findWorker(cli, options, root);
  const env = demoEnvironment(cli, root, url);

  const intro =
    'The whole job on a throw-away repository. The models are simulated: their replies are scripted, so this shows how the work is organised, not how well a model does it. Everything else is real.';
  for (const line of wrap(intro, Math.max(40, stdoutWidth(cli) - 1))) say(line);
  say(`  repository  ${repository}\n  API         ${url} (simulated)\n  worker      ${worker.name}\n`);

  await mkdir(repository);
  await writeFile(join(repository, 'prd.md'), DEMO_PRD);
  const config = {
    execution: { max_workers: 3 },
    verify: { commands: ['node --test'] },
    claude_cli: { command: worker.command, auth: 'api_key' },
  };
  await writeFile(join(repository, CONFIG_FILE), `${JSON.stringify(config, null, 2)}\n`);
  await git(repository, env, 'init', '--quiet');
  // The run commits under this name too.
  await git(repository, env, 'config', 'user.name', 'Demo');
  await git(repository, env, 'config', 'user.email', 'demo@example.com');
  await git(repository, env, 'add', '.');
  await git(repository, env, 'commit', '--quiet', '-m', 'Requirements');

  const start = performance.now();
  const flags = options.json === true ? ['--quiet'] : [];
  for (const args of [['init', '--yes', '--nested'], ['parse', 'prd.md'], ['run'], ['status']]) {
    say(style.bold(`$ claude-orchestrator ${args.join(' ')}`));
    const shown = options.json === true ? 'pipe' : 'inherit';
    const { exitCode, all } = await execa(cli.nodePath, [cli.scriptPath, ...args, ...flags], {
      cwd: repository,
      env,
      extendEnv: false,
      stdin: 'ignore',
      stdout: shown,
      stderr: shown,
      all: true,
      reject: false,
      cancelSignal: stop,
      forceKillAfterDelay: false,
    });
    if (stop.aborted) return EXIT.interrupted;
    if (exitCode !== 0) {
      const output = typeof all === 'string' ? `\n${all}` : '';
      cli.stderr.write(`error: \`${args.join(' ')}\` ended with exit code ${exitCode ?? 'none'}.${output}\n`);
      return exitCode ?? EXIT.bug;
    }
    say('');
  }

  say(style.bold('$ node --test'));
  const tests = await execa(cli.nodePath, ['--test'], {
    cwd: repository,
    env,
    extendEnv: false,
    reject: false,
    cancelSignal: stop,
  });
  if (stop.aborted) return EXIT.interrupted;
  const passed = /^# pass (\d+)$/m.exec(tests.stdout)?.[1] ?? /pass (\d+)/.exec(tests.stdout)?.[1] ?? '0';
  const files = (await readdir(repository, { recursive: true })).filter(
    (file) => /^(src|test|bin)\/|\.json$|\.md$/.test(file) && !file.startsWith('.'),
  );
  const seconds = (performance.now() - start) / 1000;
  const report: DemoReport = {
    passed: tests.exitCode === 0,
    tests: Number(passed),
    files: files.length,
    seconds,
    worker: worker.name,
    repository: options.keep === true ? repository : null,
  };
  if (options.json === true) printJson(cli, report);
  else if (!report.passed) stdout.write(`${tests.stdout}\n`);
  say(
    `${report.passed ? style.green('pass') : style.red('fail')}: ${passed} tests in what the workers wrote, ${files.length} files, ${seconds.toFixed(1)} s in all.`,
  );
  say(
    options.keep === true
      ? `The repository is kept: ${repository}`
      : 'The repository is removed; `demo --keep` keeps it.',
  );
  return report.passed ? EXIT.done : EXIT.tasksFailed;
}

/** The real Claude CLI where there is one, else the stand-in: a small program with the same interface. */
async function findWorker(cli: Cli, options: DemoOptions, root: string): Promise<DemoWorker> {
  // dist/ is beside bin/: the package's own node_modules has the CLI in a checkout.
  const packageRoot = dirname(dirname(cli.scriptPath));
  const env = {
    ...cli.env,
    PATH: [join(packageRoot, 'node_modules', '.bin'), cli.env['PATH'] ?? ''].join(delimiter),
  };
  if (options.standIn !== true) {
    const found = await probe('claude', ['--version'], {
      cwd: root,
      env,
      timeoutMs: PROBE_TIMEOUT_MS,
      signal: new AbortController().signal,
      kill: cli.kill,
    });
    if (found.kind === 'ended' && found.exitCode === 0) {
      const path = findProgram('claude', { cwd: root, path: env.PATH }) ?? 'claude';
      const shown = path.startsWith(`${cli.cwd}${sep}`) ? relative(cli.cwd, path) : path;
      return { name: `the Claude CLI ${found.stdout.trim()}, ${shown}`, command: path };
    }
  }
  const command = join(root, 'claude');
  const program = join(packageRoot, 'dist', 'stand-in-worker.js');
  await writeFile(command, `#!/bin/sh\nexec '${cli.nodePath}' '${program}' "$@"\n`);
  await chmod(command, 0o755);
  return {
    name: 'a stand-in for the Claude CLI (install that with `npm install -g @anthropic-ai/claude-code`)',
    command,
  };
}

/** Nothing of the user's: no credentials, no settings, no home. */
function demoEnvironment(cli: Cli, root: string, url: string): Record<string, string> {
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
    kept.flatMap((name) => (cli.env[name] === undefined ? [] : [[name, cli.env[name]]])),
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
