import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';

/** How one call of the tool ended. */
export interface ToolResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Where and how the tool is called. */
export interface ToolOptions {
  readonly cwd: string;
  /** Added to a bare environment: PATH, and a HOME beside the working directory; undefined removes a variable. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly stdin?: string;
  /** The name of the program in `bin/`. */
  readonly program?: 'claude-orchestrator' | 'task-master';
  /** After which it counts as hanging, in milliseconds. */
  readonly limitMs?: number;
}

const LONGEST_MS = 90_000;

/** Runs the real program to its end; one that hangs is killed, with its group, and fails the test. */
export async function runTool(args: readonly string[], options: ToolOptions): Promise<ToolResult> {
  const program = resolve('bin', `${options.program ?? 'claude-orchestrator'}.js`);
  const child = spawn(process.execPath, [program, ...args], {
    cwd: options.cwd,
    env: toolEnvironment(options),
    detached: true,
  });
  const state = { late: false };
  const limit = setTimeout(() => {
    state.late = true;
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  }, options.limitMs ?? LONGEST_MS);
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.stdin ?? '');
  const [stdout, stderr, [code, signal]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>,
  ]);
  clearTimeout(limit);
  if (state.late) throw new Error(`\`${args.join(' ')}\` did not end.\n${stdout}\n${stderr}`);
  return { code, signal, stdout, stderr };
}

/** The environment that {@link runTool} gives. */
export function toolEnvironment({ cwd, env }: Pick<ToolOptions, 'cwd' | 'env'>): NodeJS.ProcessEnv {
  const all: NodeJS.ProcessEnv = {
    PATH: process.env['PATH'],
    HOME: join(cwd, '..', 'home'),
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CEILING_DIRECTORIES: join(cwd, '..'),
    ...env,
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

/** A throw-away project directory with a home beside it. */
export interface Sandbox {
  readonly project: string;
  readonly home: string;
  /** A folder for programs, made with {@link Sandbox.addProgram}. */
  readonly bin: string;
  /** PATH with the folder of programs first. */
  readonly path: string;
  /** Makes an executable of a shell script's body. */
  addProgram(name: string, body: string): void;
  remove(): void;
}

/** Makes a {@link Sandbox}. */
export function makeSandbox(): Sandbox {
  const root = mkdtempSync(join(tmpdir(), 'tool-'));
  const [project, home, bin] = [join(root, 'project'), join(root, 'home'), join(root, 'bin')];
  for (const folder of [project, home, bin]) mkdirSync(folder);
  return {
    project,
    home,
    bin,
    path: `${bin}${delimiter}${process.env['PATH'] ?? ''}`,
    addProgram: (name, body) => {
      writeFileSync(join(bin, name), `#!/bin/sh\n${body}\n`);
      chmodSync(join(bin, name), 0o755);
    },
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}
