import { setTimeout as delay } from 'node:timers/promises';
import type { ProcessIdentity } from '../../domain/attempt.ts';
import { LineSplitter } from '../../domain/text/line-splitter.ts';
import type { Marker, ProcessTable } from '../process/process-table.ts';
import type { EndedBy } from './classify-end.ts';
import type { ProcessExit } from './process.ts';
import type { StreamLine } from './stream-json.ts';
import { tailFile } from './tail-file.ts';
import type { Transcript } from './transcript.ts';

/** How long a worker may take for what, in milliseconds. */
export interface Timeouts {
  /** From the attempt's start. */
  readonly totalMs: number;
  /** Without a byte of output. A running tool prints a heartbeat every 30 s, and a model's reply is printed as it grows. */
  readonly stallMs: number;
  /** Between SIGTERM and SIGKILL. */
  readonly graceMs: number;
  /** For the process to end after its last result. */
  readonly afterResultMs: number;
}

/** A process of the Claude CLI that is to be followed to its end. */
export interface Supervision {
  readonly table: ProcessTable;
  readonly identity: ProcessIdentity;
  readonly marker: Marker;
  /** Null for a process that another orchestrator started: we see that it ended, but not how. */
  readonly exited: Promise<ProcessExit> | null;
  readonly transcriptFile: string;
  /** Gets every line. */
  readonly transcript: Transcript;
  readonly onLine: (line: StreamLine) => void;
  /** How long the attempt has been running, in milliseconds. */
  readonly elapsedMs: number;
  readonly timeouts: Timeouts;
  readonly signal: AbortSignal;
  readonly hurry?: AbortSignal | undefined;
}

const ADOPTED_POLL_MS = 250;
/** The kernel can hold a killed process for a long time, for instance while it waits for a dead network drive. */
const UNKILLABLE_MS = 10_000;

/**
 * Follows a process until it is gone and its output is read. Ends it if it takes too long, stalls, works in a loop, stays
 * after its result, or when `signal` aborts. Afterwards ends everything that it left behind.
 */
export async function supervise(task: Supervision): Promise<ProcessExit & { readonly endedBy: EndedBy }> {
  const { table, identity, timeouts, transcript, signal, hurry } = task;
  const written = new AbortController();
  const gone = new AbortController();
  const exit = (task.exited ?? untilGone(table, identity, written.signal)).finally(() => gone.abort());
  // A process that is already gone ended by itself, however long ago.
  if (task.exited === null && !table.isAlive(identity)) gone.abort();

  const begin = performance.now() - task.elapsedMs;
  let lastOutput = performance.now();
  const lines = new LineSplitter((line) => task.onLine(transcript.add(line)));
  const read = tailFile(task.transcriptFile, {
    written: written.signal,
    onChunk: (chunk) => {
      lastOutput = performance.now();
      lines.push(chunk);
    },
  }).then(() => lines.end());
  // It is awaited at the end. Until then a failure to read must not count as unhandled.
  read.catch(() => undefined);

  const nextDeadline = (): readonly [why: EndedBy, at: number] => {
    const { result, workedAfterResult, looping } = transcript.state();
    const isDone = result && !workedAfterResult;
    if (looping && !isDone) return ['looping', begin];
    const deadlines: (readonly [EndedBy, number])[] = [
      ['timed-out', begin + timeouts.totalMs],
      isDone
        ? ['after-result', lastOutput + timeouts.afterResultMs]
        : ['stalled', lastOutput + timeouts.stallMs],
    ];
    return deadlines.reduce((soonest, other) => (other[1] < soonest[1] ? other : soonest));
  };

  const endedBy = await untilEnded(nextDeadline, gone.signal, signal);
  const options = { graceMs: timeouts.graceMs, hurry };
  if (endedBy !== 'itself') await table.endTree(identity, options);
  const how = await Promise.race([exit, delay(UNKILLABLE_MS, UNKNOWN_EXIT, { ref: false })]);
  await table.endMarked(task.marker, options);
  written.abort();
  await read;
  return { ...how, endedBy };
}

const UNKNOWN_EXIT: ProcessExit = { exitCode: null, signal: null };
/** Deadlines move while output arrives, so they are checked at least this often. */
const CHECK_MS = 1000;

async function untilEnded(
  nextDeadline: () => readonly [why: EndedBy, at: number],
  gone: AbortSignal,
  signal: AbortSignal,
): Promise<EndedBy> {
  const either = AbortSignal.any([gone, signal]);
  for (;;) {
    if (gone.aborted) return 'itself';
    if (signal.aborted) return 'aborted';
    const [why, at] = nextDeadline();
    const left = at - performance.now();
    if (left <= 0) return why;
    await delay(Math.min(left, CHECK_MS), undefined, { signal: either }).catch(() => undefined);
  }
}

async function untilGone(
  table: ProcessTable,
  identity: ProcessIdentity,
  abandoned: AbortSignal,
): Promise<ProcessExit> {
  while (table.isAlive(identity) && !abandoned.aborted) await delay(ADOPTED_POLL_MS);
  return UNKNOWN_EXIT;
}
