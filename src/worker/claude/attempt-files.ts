import { access, open } from 'node:fs/promises';
import { join } from 'node:path';

/** The paths of one attempt's files, which lie in its own folder. */
export interface AttemptFiles {
  readonly prompt: string;
  readonly transcript: string;
  readonly stderr: string;
  readonly assignment: string;
}

/** The paths of an attempt's files, given its folder. */
export function locateAttemptFiles(folder: string): AttemptFiles {
  return {
    prompt: join(folder, 'prompt.md'),
    transcript: join(folder, 'transcript.ndjson'),
    stderr: join(folder, 'stderr.log'),
    assignment: join(folder, 'assignment.json'),
  };
}

/** Reads the last `maxBytes` of a text file. Empty if it cannot be read. */
export async function readTail(path: string, maxBytes: number): Promise<string> {
  const file = await open(path, 'r').catch(() => undefined);
  if (file === undefined) return '';
  try {
    const { size } = await file.stat();
    const length = Math.min(size, maxBytes);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, size - length);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await file.close();
  }
}

/** Whether a file exists. */
export async function fileExists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}
