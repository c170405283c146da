import { open, type FileHandle } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { Attempt } from '../../domain/attempt.ts';
import { fail } from '../../domain/failure.ts';
import { LineSplitter, type SplitLine } from '../../domain/text/line-splitter.ts';
import type { TaskStore } from '../../store/store.ts';
import { locateAttemptFiles } from '../../worker/claude/attempt-files.ts';

/** An attempt whose transcript is read: as it is now, or also as it grows. */
export interface FollowedAttempt {
  readonly store: TaskStore;
  readonly attempt: Attempt;
  /** Whether somebody still works on it; undefined where it is only read as it is now. */
  readonly isAtWork: ((attempt: Attempt) => boolean) | undefined;
  readonly signal: AbortSignal;
}

/** Hands over the bytes of a transcript, no faster than they are taken; false if there is no transcript. */
export async function followTranscript(
  followed: FollowedAttempt,
  onChunk: FollowOptions['onChunk'],
  onCaughtUp: FollowOptions['onCaughtUp'] = () => Promise.resolve(),
): Promise<boolean> {
  const { attempt, signal } = followed;
  const { transcript } = locateAttemptFiles(attempt.files);
  return await followFile(transcript, { onChunk, onCaughtUp, isComplete: completion(followed), signal });
}

/** The same, line by line. */
export async function followLines(
  followed: FollowedAttempt,
  onLine: (line: SplitLine) => Promise<void>,
  onCaughtUp: FollowOptions['onCaughtUp'],
): Promise<boolean> {
  let lines: SplitLine[] = [];
  const splitter = new LineSplitter((line) => lines.push(line));
  const take = async (): Promise<void> => {
    const taken = lines;
    lines = [];
    for (const line of taken) await onLine(line);
  };
  const isThere = await followTranscript(
    followed,
    async (chunk) => {
      splitter.push(chunk);
      await take();
    },
    onCaughtUp,
  );
  splitter.end();
  if (!followed.signal.aborted) await take();
  return isThere;
}

/** Tells when a transcript is complete: at once where it is read as it is now. */
function completion({ store, attempt, isAtWork }: FollowedAttempt): () => boolean {
  let seen = '';
  let complete = isAtWork === undefined;
  let askedAt = -Infinity;
  return () => {
    if (complete || isAtWork === undefined) return true;
    const version = store.version();
    // A killed run changes nothing in the store, so it has to be looked for now and then.
    if (version === seen && Date.now() - askedAt < ASK_AGAIN_MS) return false;
    seen = version;
    askedAt = Date.now();
    const current = reload(store, attempt);
    complete = current.end !== null || !isAtWork(current);
    return complete;
  };
}

const ASK_AGAIN_MS = 1000;

/** The attempt as it is now. */
export function reload(store: TaskStore, attempt: Attempt): Attempt {
  return store.attempts({ taskId: attempt.taskId }).find(({ id }) => id === attempt.id) ?? attempt;
}

const CHUNK_BYTES = 256 * 1024;
const SHORTEST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 500;

/** Who gets what a followed file holds, and how long it is followed. */
interface FollowOptions {
  /** Gets each chunk in turn; the bytes are overwritten once it has resolved. */
  readonly onChunk: (chunk: Buffer) => Promise<void>;
  /** Asked before each read: whether nobody writes any more. What was written before is still read. */
  readonly isComplete: () => boolean;
  /** Called whenever all that was written so far has been read. */
  readonly onCaughtUp: () => Promise<void>;
  /** Ends it at once. */
  readonly signal: AbortSignal;
}

/**
 * Reads a file to its end and, while it is not complete, as it grows. It need not be there yet; resolves to false if
 * there never was one. A file that is begun anew is read from its beginning.
 */
export async function followFile(path: string, options: FollowOptions): Promise<boolean> {
  let file: FileHandle | undefined;
  try {
    const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
    let position = 0;
    let pause = SHORTEST_PAUSE_MS;
    while (!options.signal.aborted) {
      // Asked before the read: when a writer ends in between, its last bytes are read in the next round.
      const isComplete = options.isComplete();
      file ??= await openIfThere(path);
      const bytesRead =
        file === undefined ? 0 : (await file.read(buffer, 0, buffer.length, position)).bytesRead;
      position += bytesRead;
      if (bytesRead > 0) {
        await options.onChunk(buffer.subarray(0, bytesRead));
        pause = SHORTEST_PAUSE_MS;
        continue;
      }
      if (file !== undefined && (await file.stat()).size < position) {
        position = 0;
        continue;
      }
      await options.onCaughtUp();
      if (isComplete) break;
      await delay(pause, undefined, { signal: options.signal }).catch(() => undefined);
      pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
    }
    return file !== undefined;
  } finally {
    await file?.close();
  }
}

async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r');
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    fail('file-unreadable', `${path} cannot be read (${code}).`);
  }
}
