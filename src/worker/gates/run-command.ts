import { spawn, type ChildProcess } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../../domain/failure.ts';
import { printable } from '../../domain/text/printable.ts';
import { BoundedOutput } from '../process/bounded-output.ts';
import type { Marker, ProcessTable } from '../process/process-table.ts';

/** Where a command runs. */
export interface CommandPlace {
  readonly directory: string;
  /** Variables that the workspace adds to the environment. */
  readonly environment: Readonly<Record<string, string>>;
  /** Finds what the command leaves behind. */
  readonly marker: Marker;
}

/** A command that failed. */
export interface CommandFailure {
  readonly kind: 'failed';
  /** `not-found`: the shell could not start the program. */
  readonly sort: 'failed' | 'not-found' | 'time-out';
  /** E.g. `exit code 1`. */
  readonly how: string;
  /** Beginning and end of what it printed. */
  readonly output: string;
}

/** How a command ended. `infrastructure`: the machine could not start it. */
export type CommandResult =
  | { readonly kind: 'passed' }
  | CommandFailure
  | { readonly kind: 'infrastructure'; readonly message: string }
  | { readonly kind: 'aborted' };

/** Runs one shell command. Everything that it started is gone when this resolves. */
export type RunCommand = (
  command: string,
  place: CommandPlace,
  signal: AbortSignal,
) => Promise<CommandResult>;

/** How commands are run. */
export interface CommandOptions {
  readonly table: ProcessTable;
  /** The orchestrator's own environment. Commands get the part that is meant for them. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** For each command, in milliseconds. */
  readonly timeoutMs: number;
  readonly graceMs: number;
  /** Ends processes at once when it aborts. */
  readonly hurry?: AbortSignal | undefined;
}

/** Creates a runner of commands. Each gets a process group of its own, no input and a clean environment. */
export function createCommandRunner(options: CommandOptions): RunCommand {
  return async (command, place, signal) => {
    for (const pause of PAUSES_MS) {
      if (signal.aborted) return { kind: 'aborted' };
      const result = await runOnce(command, place, options, signal);
      if (result.kind !== 'not-started') return result;
      if (pause === null || !TRANSIENT_CODES.has(result.code)) {
        const message = `\`${command.slice(0, 200)}\` could not be started in ${place.directory}: ${result.reason}`;
        return { kind: 'infrastructure', message };
      }
      await delay(pause, undefined, { signal }).catch(() => undefined);
    }
    return { kind: 'aborted' };
  };
}

/** Pauses between tries to start a process while the machine is short of a resource. */
const PAUSES_MS = [200, 1000, 5000, null];
const TRANSIENT_CODES: ReadonlySet<string> = new Set(['EAGAIN', 'ENOMEM', 'EMFILE', 'ENFILE']);

const HEAD_BYTES = 4 * 1024;
const TAIL_BYTES = 16 * 1024;
const DRAIN_MS = 2000;

interface NotStarted {
  readonly kind: 'not-started';
  readonly code: string;
  readonly reason: string;
}

async function runOnce(
  command: string,
  { directory, environment, marker }: CommandPlace,
  { table, environment: own, timeoutMs, graceMs, hurry }: CommandOptions,
  signal: AbortSignal,
): Promise<CommandResult | NotStarted> {
  const child = await start(command, directory, commandEnvironment(own, environment, marker));
  if ('kind' in child) return child;
  const output = new BoundedOutput(HEAD_BYTES, TAIL_BYTES);
  const closed = new Promise<'closed'>((resolve) => child.once('close', () => resolve('closed')));
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => output.push(chunk));
    stream?.on('error', () => undefined);
  }
  child.on('error', () => undefined);
  const identity = child.pid === undefined ? undefined : table.identify(child.pid);
  const gone = new AbortController();
  // `close` would wait for every process that still holds the output open.
  child.once('exit', () => gone.abort());

  const timeUp = AbortSignal.timeout(timeoutMs);
  await anyAborted([gone.signal, signal, timeUp]);
  const ended = gone.signal.aborted;
  if (!ended && identity !== undefined) await table.endTree(identity, { graceMs, hurry });
  await table.endMarked(marker, { graceMs, hurry });
  if ((await Promise.race([closed, delay(DRAIN_MS, undefined, { ref: false })])) === undefined) {
    child.stdout?.destroy();
    child.stderr?.destroy();
  }

  if (signal.aborted) return { kind: 'aborted' };
  if (ended && child.exitCode === 0) return { kind: 'passed' };
  const said = printable(output.toString()).trim();
  if (!ended)
    return { kind: 'failed', sort: 'time-out', how: `no end after ${timeoutMs / 1000} s`, output: said };
  const sort = NOT_FOUND.has(child.exitCode) ? 'not-found' : 'failed';
  return { kind: 'failed', sort, how: child.signalCode ?? `exit code ${child.exitCode}`, output: said };
}

/** Does not use execa, which throws if there is no file descriptor left for the pipes. */
async function start(
  command: string,
  directory: string,
  environment: Record<string, string>,
): Promise<ChildProcess | NotStarted> {
  try {
    const child = spawn(command, {
      shell: true,
      cwd: directory,
      env: environment,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    // Some errors are thrown, others arrive as an event.
    if (child.pid !== undefined) return child;
    const error = await new Promise<Error>((resolve) => child.once('error', resolve));
    return notStarted(error);
  } catch (error) {
    return notStarted(error);
  }
}

function notStarted(error: unknown): NotStarted {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return { kind: 'not-started', code, reason: messageOf(error) };
}

/** Exit codes of a shell that did not find a program or could not execute it. */
const NOT_FOUND: ReadonlySet<number | null> = new Set([126, 127]);

async function anyAborted(signals: AbortSignal[]): Promise<void> {
  const any = AbortSignal.any(signals);
  if (any.aborted) return;
  await new Promise<void>((resolve) => any.addEventListener('abort', () => resolve(), { once: true }));
}

/**
 * The whole environment of a command that judges or prepares a worktree: the user's own, without the orchestrator's keys
 * and settings, those of a Claude CLI, and what would point git at another repository. The workspace's variables win.
 */
function commandEnvironment(
  own: Readonly<Record<string, string | undefined>>,
  workspace: Readonly<Record<string, string>>,
  marker: Marker,
): Record<string, string> {
  const kept = Object.entries(own).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && !NOT_FOR_COMMANDS.test(entry[0]),
  );
  return { ...Object.fromEntries(kept), ...workspace, [marker.variable]: marker.value };
}

/** Tokens of the user's own program are kept, since its tests may need them. */
const NOT_FOR_COMMANDS =
  /^(?:ANTHROPIC_|CLAUDE_|CLAUDECODE$|(?:SLACK|NOTIFY)_WEBHOOK_URL$|GIT_(?:DIR|WORK_TREE|INDEX_FILE|OBJECT_DIRECTORY|ALTERNATE_OBJECT_DIRECTORIES|COMMON_DIR|NAMESPACE|PREFIX|CONFIG|CONFIG_PARAMETERS|CONFIG_COUNT|IMPLICIT_WORK_TREE|GRAFT_FILE|SHALLOW_FILE|NO_REPLACE_OBJECTS|REPLACE_REF_BASE)$)/;
