import type { Attempt } from '../domain/attempt.ts';
import { fail } from '../domain/failure.ts';
import { OUTCOME_POLICY } from '../domain/outcome.ts';
import { redactValue, type Redact } from '../domain/redact.ts';
import type { TaskStore } from '../store/store.ts';
import { locateAttemptFiles } from '../worker/claude/attempt-files.ts';
import type { LogEntry, LogsRequest } from './contract/logs.ts';
import type { AttemptStory } from './contract/show.ts';
import { processLookUp } from './project/process-look-up.ts';
import { withStore } from './project/open-store.ts';
import type { Project } from './project/project.ts';
import { redactorFor } from './project/redaction.ts';
import type { Services } from './services.ts';
import { findAttempts, gatherStories } from './tasks/attempts.ts';
import {
  followLines,
  followTranscript,
  reload,
  type FollowedAttempt,
} from './transcript/follow-transcript.ts';

/** Who gets a log. It goes on no faster than they take it. */
export interface LogSink {
  readonly onEntry: (entry: LogEntry) => Promise<void>;
  /** Gets the transcript itself, where `raw` asks for it: whole lines, but for those that are far too long. */
  readonly onBytes: (bytes: Uint8Array) => Promise<void>;
  /** Ends the log at once, as an interrupt does. */
  readonly signal: AbortSignal;
}

/**
 * Tells what a worker said and did in an attempt, and what came of it; also while it works. Where nothing was tried yet,
 * the only entry is a note that says so.
 */
export async function logs(
  project: Project,
  { id, attempt: asked, follow, raw }: LogsRequest,
  services: Services,
  sink: LogSink,
): Promise<void> {
  const redact = redactorFor(services, project);
  await withStore(project, async (store) => {
    const { task, attempts, whyNone } = findAttempts(store, id);
    const attempt = choose(attempts, asked, task.id);
    if (attempt === undefined) {
      await sink.onEntry({ type: 'note', text: whyNone });
      return;
    }
    const interrupted = new AbortController();
    const stopListening = services.onInterrupt(() => interrupted.abort());
    const signal = AbortSignal.any([interrupted.signal, sink.signal]);
    try {
      const isFollowed = follow === true && attempt.end === null;
      const isAtWork = isFollowed ? await lookAtWork(services, store) : undefined;
      const followed = { store, attempt, isAtWork, signal };
      if (raw === true) await tellBytes(followed, redact, sink);
      // Redacted before it is laid out: a secret that is cut in two would not be found.
      else await tellEntries(followed, task.title, (entry) => sink.onEntry(redactValue(entry, redact)));
    } finally {
      stopListening();
    }
  });
}

function choose(
  attempts: readonly Attempt[],
  asked: string | undefined,
  taskId: string,
): Attempt | undefined {
  const newest = attempts.at(-1);
  if (asked === undefined || newest === undefined) return newest;
  return (
    attempts.find(({ number }) => String(number) === asked.trim().replace(/^#/, '')) ??
    fail(
      'wrong-usage',
      `${JSON.stringify(asked)}: task ${taskId} has no such attempt.`,
      `It has ${attempts.length === 1 ? 'only number' : 'numbers'} ${attempts.map(({ number }) => number).join(', ')}.`,
    )
  );
}

/** An attempt without an end is worked on by its run, or by a worker that has outlived its run. */
async function lookAtWork(services: Services, store: TaskStore): Promise<(attempt: Attempt) => boolean> {
  const isAlive = await processLookUp(services);
  return ({ runId, process }) => {
    const run = store.run(runId);
    if (run !== undefined && run.endedAt === null && isAlive(run.process)) return true;
    return process !== null && isAlive(process);
  };
}

/** The beginning of an attempt, its transcript, what is done with it, and its end. */
async function tellEntries(
  followed: FollowedAttempt,
  title: string,
  tell: (entry: LogEntry) => Promise<void>,
): Promise<void> {
  // They load zod, which neither raw bytes nor a task that was never tried need.
  const [{ EntryReader }, { FailureSignals }] = await Promise.all([
    import('./transcript/read-entries.ts'),
    import('./transcript/failure-signals.ts'),
  ]);
  const { store, attempt, isAtWork, signal } = followed;
  await tell(beginning(store, attempt, title));
  const reader = new EntryReader();
  const signals = new FailureSignals(attempt.directory);
  let { phase } = attempt;
  const isThere = await followLines(
    followed,
    async (line) => {
      for (const entry of reader.read(line)) {
        signals.take(entry);
        await tell(entry);
      }
    },
    async () => {
      if (isAtWork === undefined) return;
      const current = reload(store, attempt);
      if (current.phase === phase || current.end !== null) return;
      ({ phase } = current);
      await tell({ type: 'phase', phase });
    },
  );
  if (signal.aborted) return;
  const current = reload(store, attempt);
  if (!isThere) await tell({ type: 'note', text: describeMissing(current) });
  for (const entry of reader.end()) await tell(entry);
  const { meanwhile, afterwards } = storyOf(store, attempt);
  for (const event of meanwhile) await tell({ type: 'meanwhile', event });
  const { end, endedAt } = current;
  if (end === null) {
    await tell({ type: 'phase', phase: current.phase });
    return;
  }
  if (!OUTCOME_POLICY[end.outcome].success && signals.sentences.length > 0)
    await tell({ type: 'signs', signs: signals.sentences });
  await tell({ type: 'end', endedAt, end });
  for (const event of afterwards) await tell({ type: 'then', event });
}

/** The transcript as it is, byte by byte, but for lines that hold a secret. */
async function tellBytes(
  followed: FollowedAttempt,
  redact: Redact,
  { onBytes }: Pick<LogSink, 'onBytes'>,
): Promise<void> {
  const { attempt, signal } = followed;
  const lines = new RedactedLines(redact);
  const isThere = await followTranscript(followed, (chunk) => onBytes(lines.take(chunk)));
  if (signal.aborted) return;
  await onBytes(lines.end());
  if (!isThere) fail('file-unreadable', describeMissing(attempt));
}

/** Says that there is no transcript where it should be, and why that may be. */
function describeMissing({ files, process, end }: Attempt): string {
  const why =
    process !== null
      ? 'it was removed, or its disk is not there'
      : end === null
        ? 'Claude was not started yet'
        : 'Claude was not started in this attempt';
  return `There is no transcript at ${locateAttemptFiles(files).transcript}: ${why}.`;
}

function storyOf(store: TaskStore, attempt: Attempt): AttemptStory {
  const attempts = store.attempts({ taskId: attempt.taskId });
  // Its task may be deleted while it is followed.
  const all = attempts.some(({ id }) => id === attempt.id) ? attempts : [attempt];
  const story = gatherStories(store, attempt.taskId, all).find(({ number }) => number === attempt.number);
  if (story === undefined) throw new Error(`No story is told of attempt ${attempt.id}.`);
  return story;
}

function beginning(store: TaskStore, attempt: Attempt, title: string): LogEntry {
  const { session, began } = storyOf(store, attempt);
  const { taskId, number, runId, sessionId, resumed, forkedFrom, model, directory, branch, startedAt } =
    attempt;
  const { transcript } = locateAttemptFiles(attempt.files);
  return {
    type: 'attempt',
    ...{ taskId, title, number, runId, sessionId, resumed, forkedFrom, session, began, model },
    ...{ directory, branch, transcript, startedAt },
  };
}

const LINE_FEED = 0x0a;
/** A line that is longer is handed over in pieces. */
const MOST_WAITING = 32 * 1024 * 1024;
const EMPTY = Buffer.alloc(0);

/** Bytes in, the same bytes out as soon as their line is whole, but for lines in which something is redacted. */
class RedactedLines {
  readonly #redact: Redact;
  #parts: Buffer[] = [];
  #length = 0;

  constructor(redact: Redact) {
    this.#redact = redact;
  }

  take(chunk: Buffer): Buffer {
    const end = chunk.lastIndexOf(LINE_FEED) + 1;
    const whole = end === 0 && this.#length < MOST_WAITING ? EMPTY : this.#flush(chunk.subarray(0, end));
    // Copied, because the reader fills the same chunk again.
    const rest = Buffer.from(chunk.subarray(end));
    this.#parts.push(rest);
    this.#length += rest.length;
    return whole;
  }

  end(): Buffer {
    return this.#flush(EMPTY);
  }

  #flush(last: Buffer): Buffer {
    const bytes = Buffer.concat([...this.#parts, last]);
    this.#parts = [];
    this.#length = 0;
    const text = bytes.toString('utf8');
    const redacted = text.split('\n').map(this.#redact).join('\n');
    return redacted === text ? bytes : Buffer.from(redacted);
  }
}
