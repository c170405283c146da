import { type FileHandle, open } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { PacedOutput } from '../../cli/paced-output.ts';
import type { Attempt } from '../../domain/attempt.ts';
import { fail } from '../../domain/failure.ts';
import type { Redact } from '../../domain/redact.ts';
import { LineSplitter, type SplitLine } from '../../domain/text/line-splitter.ts';
import type { TaskStore } from '../../store/store.ts';

/** What is shown of an attempt, and where. */
export interface LogRequest {
  readonly store: TaskStore;
  readonly attempt: Attempt;
  readonly title: string;
  readonly output: PacedOutput;
  readonly redact: Redact;
  /** Undefined where the attempt is shown as it is now; else whether anybody still works on it. */
  readonly isAtWork: ((attempt: Attempt) => boolean) | undefined;
  readonly signal: AbortSignal;
}

/** Gives each line of a transcript in turn, of one that still grows as it comes; false if there is no transcript. */
export async function followLines(
  path: string,
  request: LogRequest,
  told: {
    readonly onLine: (line: SplitLine) => Promise<void>;
    readonly onCaughtUp: () => Promise<void>;
  },
): Promise<boolean> {
  let lines: SplitLine[] = [];
  const splitter = new LineSplitter((line) => lines.push(line));
  const take = async (): Promise<void> => {
    const taken = lines;
    lines = [];
    for (const line of taken) await told.onLine(line);
  };
  const isThere = await followFile(path, {
    ...until(request),
    onChunk: async (chunk) => {
      splitter.push(chunk);
      await take();
    },
    onCaughtUp: told.onCaughtUp,
  });
  splitter.end();
  if (!request.signal.aborted) await take();
  return isThere;
}

/** When a transcript is complete: at once where it is shown as it is now. */
export function until({ store, attempt, isAtWork, signal }: LogRequest): {
  isComplete: () => boolean;
  signal: AbortSignal;
} {
  let seen = '';
  let complete = isAtWork === undefined;
  let askedAt = -Infinity;
  const isComplete = (): boolean => {
    if (complete || isAtWork === undefined) return true;
    const version = store.version();
    // A killed run changes nothing in the store: so it is asked for now and then.
    if (version === seen && Date.now() - askedAt < ASK_AGAIN_MS) return false;
    seen = version;
    askedAt = Date.now();
    const current = reload(store, attempt);
    complete = current.end !== null || !isAtWork(current);
    return complete;
  };
  return { isComplete, signal };
}

const ASK_AGAIN_MS = 1000;

/** The attempt as it is now. */
export function reload(store: TaskStore, attempt: Attempt): Attempt {
  return store.attempts({ taskId: attempt.taskId }).find(({ id }) => id === attempt.id) ?? attempt;
}

const CHUNK_BYTES = 256 * 1024;
const SHORTEST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 500;

/** What a followed file tells, and how long it is followed. */
export interface FollowOptions {
  /** Gets each chunk in turn; the bytes are overwritten once it has resolved. */
  readonly onChunk: (chunk: Buffer) => Promise<void>;
  /** Asked before each read: whether nobody writes any more. What was written until then is still read. */
  readonly isComplete: () => boolean;
  /** Called whenever all that is written so far was read. */
  readonly onCaughtUp: () => Promise<void>;
  /** Ends it at once. */
  readonly signal: AbortSignal;
}

/**
 * Reads a file that may not be there yet, to its end or, while it is not complete, as it grows; false if there never
 * was one. A file that is begun anew is read from its beginning.
 */
export async function followFile(path: string, options: FollowOptions): Promise<boolean> {
  let file: FileHandle | undefined;
  try {
    const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
    let position = 0;
    let pause = SHORTEST_PAUSE_MS;
    while (!options.signal.aborted) {
      // Looked at before the read, so that the last bytes of a writer that ends in between are read in the next round.
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
