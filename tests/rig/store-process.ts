import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { bundle } from './bundle.ts';

/** A process that is about to use a store. */
export interface StoreProcess {
  /** Resolves when it has loaded everything and waits for `go`. */
  readonly ready: Promise<void>;
  /** Lets it begin. */
  readonly go: () => void;
  /** Resolves when it has printed `count` lines, or ended. */
  readonly printed: (count: number) => Promise<void>;
  /** Everything it has printed so far. */
  readonly lines: readonly unknown[];
  readonly kill: () => void;
  readonly ended: Promise<{ code: number | null; signal: string | null; stderr: string }>;
}

/** Builds a program that uses stores for processes of this Node, in a temporary folder of its own. */
export function buildStoreProgram(entry = 'tests/rig/store-program.ts'): { folder: string; program: string } {
  const folder = mkdtempSync(join(tmpdir(), 'store-program-'));
  symlinkSync(resolve('node_modules'), join(folder, 'node_modules'));
  const program = join(folder, 'program.mjs');
  bundle(entry, program);
  return { folder, program };
}

/** Starts it; `before` is a shell command that the process is started under, such as a limit. */
export function startStoreProcess(program: string, args: readonly string[], before = ':'): StoreProcess {
  const child = spawn('bash', ['-c', `${before}; exec "$0" "$@"`, process.execPath, program, ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const lines: unknown[] = [];
  const waiting: (() => void)[] = [];
  let isReady = false;
  let isOver = false;
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
  const wake = (): void => {
    for (const check of waiting.splice(0)) check();
  };
  createInterface(child.stdout)
    .on('line', (line) => {
      if (line === 'ready') isReady = true;
      else lines.push(JSON.parse(line));
      wake();
    })
    .on('close', () => {
      isOver = true;
      wake();
    });
  const until = async (condition: () => boolean): Promise<void> => {
    while (!condition() && !isOver) await new Promise<void>((next) => waiting.push(next));
  };
  return {
    ready: until(() => isReady),
    go: () => void child.stdin.end(),
    printed: (count) => until(() => lines.length >= count),
    lines,
    kill: () => void child.kill('SIGKILL'),
    ended: once(child, 'close').then(([code, signal]) => ({
      code: code as number | null,
      signal: signal as string | null,
      stderr,
    })),
  };
}

/** Starts one process for each list of arguments and lets all of them go at the same moment. */
export async function runTogether(
  program: string,
  all: readonly (readonly string[])[],
): Promise<StoreProcess[]> {
  const processes = all.map((args) => startStoreProcess(program, args));
  await Promise.all(processes.map(({ ready }) => ready));
  for (const { go } of processes) go();
  const ends = await Promise.all(processes.map(({ ended }) => ended));
  const failed = ends.filter(({ code }) => code !== 0);
  if (failed.length > 0) throw new Error(`${failed.length} processes failed: ${JSON.stringify(failed)}`);
  return processes;
}
