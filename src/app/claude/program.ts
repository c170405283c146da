import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { execa } from 'execa';
import type { Services } from '../services.ts';

/** Finds the program that would be started by this name, without starting it; undefined if there is none. */
export function findProgram(
  command: string,
  { cwd, path }: { cwd: string; path: string | undefined },
): string | undefined {
  if (/[\\/]/.test(command)) return isExecutable(resolve(cwd, command)) ? resolve(cwd, command) : undefined;
  return (path ?? '')
    .split(delimiter)
    .map((folder) => join(folder === '' ? cwd : folder, command))
    .find(isExecutable);
}

/** Says why there is no program of this name, in words that follow the name; undefined where there is one. */
export function explainMissingProgram(
  command: string,
  place: { cwd: string; path: string | undefined },
): string | undefined {
  if (findProgram(command, place) !== undefined) return undefined;
  if (!/[\\/]/.test(command)) return 'was not found on PATH';
  try {
    const found = statSync(resolve(place.cwd, command), { throwIfNoEntry: false });
    if (found === undefined) return 'does not exist';
    return found.isDirectory() ? 'is a directory' : 'is not executable';
  } catch (error) {
    return `cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown error'})`;
  }
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    // The permission to execute a directory is another thing.
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

/** How a short-lived program ended. */
export type ProbeResult =
  | {
      readonly kind: 'ended';
      readonly exitCode: number | undefined;
      readonly stdout: string;
      readonly stderr: string;
    }
  | { readonly kind: 'missing'; readonly message: string }
  | { readonly kind: 'timed-out' };

/** How a program is started. */
export interface ProbeOptions {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Sends a signal; to a whole group where `pid` is negative. */
  readonly kill: Services['kill'];
}

const LARGEST_OUTPUT = 200_000;

/** Runs a program that only answers something. If it hangs, it is killed with everything in its process group. */
export async function probe(
  command: string,
  args: readonly string[],
  { cwd, env, timeoutMs, signal, kill }: ProbeOptions,
): Promise<ProbeResult> {
  const child = execa(command, args, {
    cwd,
    env: definedOf(env),
    extendEnv: false,
    stdin: 'ignore',
    reject: false,
    detached: true,
    maxBuffer: LARGEST_OUTPUT,
  });
  const { pid } = child;
  const state = { late: false };
  const killGroup = (): void => {
    try {
      if (pid !== undefined) kill(-pid, 'SIGKILL');
    } catch {
      // Everything in it has ended.
    }
  };
  const stop = (): void => {
    state.late = true;
    killGroup();
    // A child of it that left the group may keep the pipes open.
    child.stdout.destroy();
    child.stderr.destroy();
  };
  const timer = setTimeout(stop, timeoutMs);
  signal.addEventListener('abort', stop);
  if (signal.aborted) stop();
  try {
    const result = await child;
    if (state.late) return { kind: 'timed-out' };
    if (pid === undefined)
      return { kind: 'missing', message: result.originalMessage ?? 'it cannot be started' };
    return { kind: 'ended', exitCode: result.exitCode, stdout: result.stdout, stderr: result.stderr };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
    killGroup();
  }
}

function definedOf(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}
