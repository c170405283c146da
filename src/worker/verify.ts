import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';
import { BoundedOutput } from './bounded-output.ts';
import { printable } from './display-text.ts';
import type { Marker, ProcessTable } from './process-table.ts';

/** The commands that a change must pass, and how they are run. */
export interface VerifyOptions {
  readonly table: ProcessTable;
  /** Shell commands, run in this order until one fails. */
  readonly commands: readonly string[];
  readonly directory: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Must be in `environment`: what the commands leave behind is found by it. */
  readonly marker: Marker;
  /** For each command, in milliseconds. */
  readonly timeoutMs: number;
  readonly graceMs: number;
  readonly hurry?: AbortSignal | undefined;
}

/** What the commands said. */
export type VerifyResult =
  | { readonly kind: 'passed' }
  | {
      readonly kind: 'failed';
      readonly command: string;
      /** E.g. `exit code 1`. */
      readonly how: string;
      /** Beginning and end of what it printed. */
      readonly output: string;
    }
  | { readonly kind: 'aborted' };

const HEAD_BYTES = 4 * 1024;
const TAIL_BYTES = 16 * 1024;
const DRAIN_MS = 2000;

/** Runs the commands one after the other; whatever they start is gone when this resolves. */
export async function verify(options: VerifyOptions, signal: AbortSignal): Promise<VerifyResult> {
  for (const command of options.commands) {
    if (signal.aborted) return { kind: 'aborted' };
    const result = await runCommand(command, options, signal);
    if (result.kind !== 'passed') return result;
  }
  return { kind: 'passed' };
}

async function runCommand(
  command: string,
  { table, directory, environment, marker, timeoutMs, graceMs, hurry }: VerifyOptions,
  signal: AbortSignal,
): Promise<VerifyResult> {
  const child = execa(command, {
    shell: true,
    cwd: directory,
    env: { ...environment },
    extendEnv: false,
    stdin: 'ignore',
    all: true,
    buffer: false,
    reject: false,
    detached: true,
    cleanup: false,
  });
  const output = new BoundedOutput(HEAD_BYTES, TAIL_BYTES);
  child.all.on('data', (chunk: Buffer) => output.push(chunk));
  child.all.on('error', () => undefined);
  const identity = child.pid === undefined ? undefined : table.identify(child.pid);
  const gone = new AbortController();
  // Not the promise of the child: that one waits for every process that still holds its output.
  child.once('exit', () => gone.abort());
  child.once('error', () => gone.abort());

  const timeUp = AbortSignal.timeout(timeoutMs);
  await anyAborted([gone.signal, signal, timeUp]);
  const ended = gone.signal.aborted;
  if (!ended && identity !== undefined) await table.endTree(identity, { graceMs, hurry });
  await table.endMarked(marker, { graceMs, hurry });
  const closed = await Promise.race([child, delay(DRAIN_MS, undefined, { ref: false })]);
  if (closed === undefined) child.all.destroy();

  if (signal.aborted) return { kind: 'aborted' };
  if (ended && child.exitCode === 0) return { kind: 'passed' };
  const how = ended ? exitWords(child.exitCode, child.signalCode) : `no end after ${timeoutMs / 1000} s`;
  return { kind: 'failed', command, how, output: printable(output.toString()).trim() };
}

function exitWords(exitCode: number | null, signal: string | null): string {
  if (signal !== null) return signal;
  return exitCode === null ? 'it could not be started' : `exit code ${exitCode}`;
}

async function anyAborted(signals: AbortSignal[]): Promise<void> {
  const any = AbortSignal.any(signals);
  if (any.aborted) return;
  await new Promise<void>((resolve) => any.addEventListener('abort', () => resolve(), { once: true }));
}
