import { open, type FileHandle } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { fail } from '../../domain/failure.ts';

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
