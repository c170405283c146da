import { open } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

const CHUNK_BYTES = 256 * 1024;
const SHORTEST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 500;

/** How a growing file is followed. */
export interface TailOptions {
  /** Gets each chunk in turn. The bytes are overwritten after it returns. */
  readonly onChunk: (chunk: Buffer) => void;
  /** Aborts when nobody writes any more. What was written until then is still read. */
  readonly written: AbortSignal;
}

/**
 * Reads a growing file from its start until its writer is gone, then to its end. The file is polled, faster while it
 * grows, since file system events get lost on network drives and in containers.
 */
export async function tailFile(path: string, { onChunk, written }: TailOptions): Promise<void> {
  const file = await open(path, 'r');
  try {
    const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
    let position = 0;
    let pause = SHORTEST_PAUSE_MS;
    for (;;) {
      // Checked before the read, so that the last bytes of a writer that ends in between are read in the next round.
      const complete = written.aborted;
      const { bytesRead } = await file.read(buffer, 0, buffer.length, position);
      position += bytesRead;
      if (bytesRead > 0) {
        onChunk(buffer.subarray(0, bytesRead));
        pause = SHORTEST_PAUSE_MS;
      } else if (complete) {
        return;
      } else {
        await delay(pause, undefined, { signal: written }).catch(() => undefined);
        pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
      }
    }
  } finally {
    await file.close();
  }
}
