import { spawn, type ChildProcess } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import type { Marker, ProcessTable } from '../../worker/process/process-table.ts';
import { neutralise } from '../../domain/text/display-text.ts';
import type { Reporter } from '../reporter.ts';

/** What running the user's program for events needs. */
export interface CommandOptions {
  /** The program and its arguments. */
  readonly argv: readonly [string, ...string[]];
  readonly directory: string;
  /** The whole environment, but for the marker. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly processes: Pick<ProcessTable, 'identify' | 'endTree' | 'endMarked'>;
  /** Marks the program's processes, so that those it leaves behind are found. */
  readonly marker: Marker;
  /** Takes secrets out of the program's output. */
  readonly redact: (text: string) => string;
  readonly warn: (message: string) => void;
  readonly limits?: Partial<typeof LIMITS>;
}

/** Times in milliseconds. */
const LIMITS = {
  /** The limit for one event. */
  eventMs: 30_000,
  /** The limit for all events that still wait at the end. */
  closeMs: 6000,
  graceMs: 1000,
  /** How many events wait at most; if there are more, the oldest are dropped. */
  waiting: 1000,
};

/** How much of the program's output is kept, to say why it failed. */
const OUTPUT_CHARACTERS = 2000;

/**
 * Starts the user's program for each event, one at a time and in order; it reads the event as one line of JSON. Live
 * progress is left out. The first failure of the program leads to a warning, and the next event starts it again.
 */
export function commandReporter(options: CommandOptions): Reporter {
  const { processes, marker, warn } = options;
  const limits = { ...LIMITS, ...options.limits };
  const waiting: string[] = [];
  const closing = new AbortController();
  let lost = 0;
  let hasWarned = false;
  let working: Promise<void> | undefined;

  const work = async (): Promise<void> => {
    for (let line = waiting.shift(); line !== undefined; line = waiting.shift()) {
      if (closing.signal.aborted) {
        lost++;
        continue;
      }
      const failure = await runProgram(options, line, limits, closing.signal);
      if (failure === undefined || hasWarned) continue;
      hasWarned = true;
      warn(`The program in hooks.on_event (${options.argv[0]}) ${failure}.`);
    }
    working = undefined;
  };

  return {
    report(event) {
      if (event.type === 'attempt-progress') return;
      waiting.push(`${JSON.stringify(event)}\n`);
      if (waiting.length > limits.waiting) {
        waiting.shift();
        lost++;
      }
      // Later, since starting a program takes a while, and whoever reports an event has more to do.
      working ??= delay(0).then(work);
    },

    async close() {
      const timer = setTimeout(() => closing.abort(), limits.closeMs);
      while (working !== undefined) await working;
      clearTimeout(timer);
      await processes.endMarked(marker, { graceMs: limits.graceMs });
      if (lost > 0) warn(`The program in hooks.on_event was too slow: it did not get ${lost} of the events.`);
    },
  };
}

/** Gives one event to the program; resolves when the program has ended, with what went wrong. */
async function runProgram(
  { argv, directory, environment, processes, marker, redact }: CommandOptions,
  line: string,
  { eventMs, graceMs }: typeof LIMITS,
  closing: AbortSignal,
): Promise<string | undefined> {
  const child = start(argv, directory, { ...environment, [marker.variable]: marker.value });
  if (child instanceof Error) return notStarted(child);
  const failure = new Promise<Error>((resolve) => child.once('error', resolve));
  if (child.pid === undefined) return notStarted(await failure);

  const identity = processes.identify(child.pid);
  let output = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    output = (output + chunk.toString('utf8')).slice(-OUTPUT_CHARACTERS);
  });
  for (const stream of [child.stdin, child.stderr]) stream?.on('error', () => undefined);
  const isGone = new Promise<true>((resolve) => child.once('exit', () => resolve(true)));
  child.stdin?.end(line);

  const ended = await within(isGone, eventMs, closing);
  if (!ended && identity !== undefined) await processes.endTree(identity, { graceMs });
  // A process that the program left behind may keep these open.
  child.stdin?.destroy();
  child.stderr?.destroy();
  if (closing.aborted && !ended) return 'was still busy when the run was over, and was ended';
  if (!ended) return `did not end within ${eventMs / 1000} s, and was ended`;
  if (child.exitCode === 0) return undefined;
  const last = neutralise(redact(output.trim().split('\n').at(-1) ?? '')).slice(0, 200);
  const how = child.signalCode ?? `exit code ${child.exitCode}`;
  return `failed with ${how}${last === '' ? '' : `: ${last}`}`;
}

function notStarted({ message }: Error): string {
  return `cannot be started: ${message}; \`check\` tells how it is looked up`;
}

function start(
  [program, ...rest]: CommandOptions['argv'],
  directory: string,
  environment: Record<string, string | undefined>,
): ChildProcess | Error {
  try {
    // In its own process group, so that only the run handles Ctrl-C.
    return spawn(program, rest, {
      cwd: directory,
      env: environment,
      stdio: ['pipe', 'ignore', 'pipe'],
      detached: true,
    });
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

async function within(gone: Promise<true>, ms: number, signal: AbortSignal): Promise<boolean> {
  const stop = new AbortController();
  const limit = delay(ms, false, { signal: AbortSignal.any([signal, stop.signal]), ref: false });
  const ended = await Promise.race([gone, limit.catch(() => false)]);
  stop.abort();
  return ended;
}
