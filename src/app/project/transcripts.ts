import { readFileSync } from 'node:fs';
import { lstat, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Project } from './project.ts';

/** What a project's files were found to take, and when. */
export interface KnownSize {
  readonly bytes: number;
  /** ISO 8601, UTC. */
  readonly at: string;
}

/** More than this is worth a word. */
export const WORTH_TELLING_BYTES = 500e6;

/** All bytes of the files below a directory, or of a file; 0 where nothing is. */
export async function bytesBelow(path: string): Promise<number> {
  const found = await lstat(path).catch(() => undefined);
  if (found?.isDirectory() !== true) return found?.size ?? 0;
  let bytes = 0;
  // One after the other: a folder of dependencies has more files than may be open at once.
  for (const name of await readdir(path).catch(() => [])) bytes += await bytesBelow(join(path, name));
  return bytes;
}

/** `1.5 GB`, `12 MB`. */
export function formatBytes(bytes: number): string {
  if (bytes < 1e6) return `${Math.ceil(bytes / 1e3)} KB`;
  return bytes < 1e9 ? `${Math.round(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}

/** Measures the files of all attempts, and remembers it for those that have no time to. */
export async function measureAttempts(project: Pick<Project, 'stateFolder'>): Promise<number> {
  const bytes = await bytesBelow(attemptsFolder(project));
  const known: KnownSize = { bytes, at: new Date().toISOString() };
  await mkdir(join(project.stateFolder, 'logs'), { recursive: true });
  await writeFile(sizeFile(project), JSON.stringify(known));
  return bytes;
}

/** What the files of all attempts took when they were measured last, at the end of a run; null where nobody did. */
export function knownSizeOfAttempts(project: Pick<Project, 'stateFolder'>): KnownSize | null {
  try {
    const { bytes, at } = JSON.parse(readFileSync(sizeFile(project), 'utf8')) as Partial<KnownSize>;
    return typeof bytes === 'number' && typeof at === 'string' ? { bytes, at } : null;
  } catch {
    return null;
  }
}

/** Where the files of all attempts are. */
export function attemptsFolder({ stateFolder }: Pick<Project, 'stateFolder'>): string {
  return join(stateFolder, 'attempts');
}

function sizeFile({ stateFolder }: Pick<Project, 'stateFolder'>): string {
  return join(stateFolder, 'logs', 'size.json');
}
