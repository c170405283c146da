import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';
import { BoundedOutput } from './bounded-output.ts';
import { printable } from './display-text.ts';
import { gateEnvironment } from './gate-environment.ts';
import type { Marker, ProcessTable } from './process-table.ts';

/** Where a command runs. */
export interface CommandPlace {
  readonly directory: string;
  /** What the workspace adds to the environment. */
  readonly environment: Readonly<Record<string, string>>;
  /** What the command leaves behind is found by it. */
  readonly marker: Marker;
}

/** A command that said no. */
export interface CommandFailure {
  readonly kind: 'failed';
  /** `not-found`: the shell could not start the program. */
  readonly sort: 'failed' | 'not-found' | 'time-out';
  /** E.g. `exit code 1`. */
  readonly how: string;
  /** Beginning and end of what it printed. */
  readonly output: string;
}

/** What a command said; `infrastructure`: nothing, since the machine could not start it. */
export type CommandResult =
  | { readonly kind: 'passed' }
  | CommandFailure
  | { readonly kind: 'infrastructure'; readonly message: string }
  | { readonly kind: 'aborted' };

/** Runs one shell command; whatever it starts is gone when this resolves. */
export type RunCommand = (
  command: string,
  place: CommandPlace,
  signal: AbortSignal,
) => Promise<CommandResult>;

/** How commands are run. */
export interface CommandOptions {
  readonly table: ProcessTable;
  /** The orchestrator's own; commands get it without what is not for them. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** For each command, in milliseconds. */
  readonly timeoutMs: number;
  readonly graceMs: number;
  /** Ends processes without patience once it aborts. */
  readonly hurry?: AbortSignal | undefined;
}

/** Runs commands in a group of their own, without input and with a clean environment. */
export function createCommandRunner(options: CommandOptions): RunCommand {
  return async (command, place, signal) => {
    for (const pause of PAUSES_MS) {
      if (signal.aborted) return { kind: 'aborted' };
      const result = await runOnce(command, place, options, signal);
      if (result.kind !== 'not-started') return result;
      if (pause === null || !MAY_PASS.has(result.code)) {
        const message = `\`${command.slice(0, 200)}\` could not be started in ${place.directory}: ${result.reason}`;
        return { kind: 'infrastructure', message };
      }
      await delay(pause, undefined, { signal }).catch(() => undefined);
    }
    return { kind: 'aborted' };
  };
}

/** Between tries to start a process on a machine that is out of something for a moment. */
const PAUSES_MS = [200, 1000, 5000, null];
const MAY_PASS: ReadonlySet<string> = new Set(['EAGAIN', 'ENOMEM', 'EMFILE', 'ENFILE']);

const HEAD_BYTES = 4 * 1024;
const TAIL_BYTES = 16 * 1024;
const DRAIN_MS = 2000;

async function runOnce(
  command: string,
  { directory, environment, marker }: CommandPlace,
  { table, environment: own, timeoutMs, graceMs, hurry }: CommandOptions,
  signal: AbortSignal,
): Promise<CommandResult | { readonly kind: 'not-started'; readonly code: string; readonly reason: string }> {
  const child = execa(command, {
    shell: true,
    cwd: directory,
    env: gateEnvironment(own, environment, marker),
    extendEnv: false,
    stdin: 'ignore',
    all: true,
    buffer: false,
    reject: false,
    detached: true,
    cleanup: false,
  });
  if (child.pid === undefined) {
    const { code, originalMessage } = await child;
    return { kind: 'not-started', code: code ?? '', reason: originalMessage ?? 'no reason is known' };
  }
  const output = new BoundedOutput(HEAD_BYTES, TAIL_BYTES);
  child.all.on('data', (chunk: Buffer) => output.push(chunk));
  child.all.on('error', () => undefined);
  const identity = table.identify(child.pid);
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
  const said = printable(output.toString()).trim();
  if (!ended)
    return { kind: 'failed', sort: 'time-out', how: `no end after ${timeoutMs / 1000} s`, output: said };
  const sort = NOT_FOUND.has(child.exitCode) ? 'not-found' : 'failed';
  return { kind: 'failed', sort, how: child.signalCode ?? `exit code ${child.exitCode}`, output: said };
}

/** What a shell ends with where a program is not there or not executable. */
const NOT_FOUND: ReadonlySet<number | null> = new Set([126, 127]);

async function anyAborted(signals: AbortSignal[]): Promise<void> {
  const any = AbortSignal.any(signals);
  if (any.aborted) return;
  await new Promise<void>((resolve) => any.addEventListener('abort', () => resolve(), { once: true }));
}
