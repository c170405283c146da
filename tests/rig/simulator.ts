import { spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { mkdtemp, mkdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { startSimulator, type Simulator } from '../../src/simulator/server.ts';
import type { ScenarioInput } from '../../src/simulator/scenario.ts';
import { ALL } from './effort.ts';

/** The real Claude CLI of this checkout. */
export const REAL_CLAUDE = resolve('node_modules/.bin/claude');
/** The built stand-in for it; a Node program. */
export const STAND_IN = resolve('dist/stand-in-worker.js');

/** Makes a program of the stand-in in a folder, and returns its path. */
export function standInProgram(folder: string): string {
  const file = join(folder, 'claude');
  // Not by the name of Node alone: some tests have nothing but one folder on the PATH.
  writeFileSync(file, `#!/bin/sh\nexec '${process.execPath}' '${STAND_IN}' "$@"\n`);
  chmodSync(file, 0o755);
  return file;
}

/**
 * The Claude CLI where a test is about what the tool makes of it: the stand-in, which costs a fraction of the real one's
 * processor time. That both behave alike is what `simulator/claude-cli.test.ts` is for; with {@link ALL} it is the real one.
 */
export function anyClaude(folder: string): string {
  return ALL ? REAL_CLAUDE : standInProgram(folder);
}

/** A line of stream-json, unchecked. */
type StreamLine = Readonly<Record<string, unknown>> & { readonly type: string };

/** How a run of the CLI ended. */
export interface ClaudeRun {
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly lines: readonly StreamLine[];
  /** The last `result` line. */
  readonly result: StreamLine | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** A simulator, an empty directory to work in and a home of its own, so that nothing of the machine's user is seen. */
export interface SimulatorRig {
  readonly simulator: Simulator;
  readonly home: string;
  readonly cwd: string;
  /** The whole environment for a CLI or SDK that is to talk to the simulator. */
  readonly env: Record<string, string>;
  /** Runs the CLI (the real one, if `command` is not given) to its end, with the prompt on stdin. */
  claude(prompt: string, args: readonly string[], options?: ClaudeOptions): Promise<ClaudeRun>;
  /** Starts it and returns at once. */
  startClaude(prompt: string, args: readonly string[], options?: ClaudeOptions): ChildProcess;
  /** Ends every process it started and removes its directories. */
  close(): Promise<void>;
}

/** How to run the CLI differently from the rig's defaults. */
interface ClaudeOptions {
  readonly command?: string;
  readonly env?: Record<string, string>;
  readonly cwd?: string;
}

/** Starts a simulator and everything that a test needs to run a CLI against it. */
export async function simulatorRig(scenario: ScenarioInput): Promise<SimulatorRig> {
  const simulator = await startSimulator(scenario);
  const root = await mkdtemp(join(tmpdir(), 'simulator-rig-'));
  const [home, cwd] = [join(root, 'home'), join(root, 'project')];
  await mkdir(home);
  await mkdir(cwd);
  const env: Record<string, string> = {
    PATH: process.env['PATH'] ?? '',
    HOME: home,
    CLAUDE_CONFIG_DIR: join(home, '.claude'),
    ANTHROPIC_BASE_URL: simulator.url,
    ANTHROPIC_API_KEY: 'sk-ant-simulated-key',
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    DISABLE_AUTOUPDATER: '1',
    CLAUDE_CODE_DISABLE_BACKGROUND_TASKS: '1',
    CLAUDE_CODE_MAX_RETRIES: '0',
  };
  const children = new Set<ChildProcess>();

  const startClaude: SimulatorRig['startClaude'] = (prompt, args, options = {}) => {
    const command = options.command ?? REAL_CLAUDE;
    const argv = ['-p', '--output-format', 'stream-json', '--verbose', ...args];
    const [file, fileArgs] = command.endsWith('.js')
      ? [process.execPath, [command, ...argv]]
      : [command, argv];
    const child = spawn(file, fileArgs, { cwd: options.cwd ?? cwd, env: { ...env, ...options.env } });
    children.add(child);
    child.once('exit', () => children.delete(child));
    // A program that ends before it has read its prompt is the test's business, not an error of its own.
    child.stdin.on('error', () => undefined);
    child.stdin.end(prompt);
    return child;
  };

  return {
    simulator,
    home,
    cwd,
    env,
    startClaude,
    claude: (prompt, args, options) => ended(startClaude(prompt, args, options)),
    close: async () => {
      const exits = [...children].map((child) => new Promise((done) => child.once('exit', done)));
      for (const child of children) child.kill('SIGKILL');
      await Promise.all(exits);
      await simulator.close();
      await rm(root, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** Collects what a started CLI prints until it has ended. */
export async function ended(child: ChildProcess): Promise<ClaudeRun> {
  let [stdout, stderr] = ['', ''];
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
  const [exitCode, signal] = await new Promise<[number | null, string | null]>((done, failed) => {
    child.once('error', failed);
    child.once('close', (code, name) => done([code, name]));
  });
  const lines = stdout
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as StreamLine);
  return {
    exitCode,
    signal,
    lines,
    result: lines.findLast((line) => line.type === 'result'),
    stdout,
    stderr,
  };
}
