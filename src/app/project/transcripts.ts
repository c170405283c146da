import { readFileSync, realpathSync } from 'node:fs';
import { lstat, mkdir, readdir, rm, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import type { TaskStore } from '../../store/store.ts';
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

/** The files of one attempt that nobody needs any more. */
export interface OldFiles {
  readonly directory: string;
  readonly bytes: number;
}

const DAY_MS = 86_400_000;

/** The files of attempts at tasks that are settled, where they ended at least `days` days ago. */
export async function oldFiles(
  project: Pick<Project, 'stateFolder'>,
  store: TaskStore,
  days: number,
  now: number,
): Promise<OldFiles[]> {
  const before = new Date(now - days * DAY_MS).toISOString();
  const found: OldFiles[] = [];
  const attempts = attemptsFolder(project);
  for (const directory of store.settledFiles(before)) {
    // Those of a project that this one was copied from are not ours, nor what a link among them leads to.
    const inside = relative(attempts, directory);
    if (inside.startsWith('..') || leadsElsewhere(attempts, dirname(inside))) continue;
    const bytes = await bytesBelow(directory);
    if (bytes > 0) found.push({ directory, bytes });
  }
  return found;
}

function leadsElsewhere(folder: string, inside: string): boolean {
  try {
    return realpathSync(join(folder, inside)) !== join(realpathSync(folder), inside);
  } catch {
    return true;
  }
}

/** Removes them, and the folder of their run where nothing else is in it. */
export async function removeFiles(files: readonly OldFiles[]): Promise<void> {
  for (const { directory } of files) {
    await rm(directory, { recursive: true, force: true });
    await rmdir(dirname(directory)).catch(() => undefined);
  }
}

/**
 * Keeps transcripts no longer than the configuration says, and remembers how much there is. Whoever calls it holds the
 * project. Returns what went wrong, in a sentence.
 */
export async function retainTranscripts(
  project: Pick<Project, 'stateFolder'>,
  store: TaskStore,
  keepDays: number | null,
): Promise<string | undefined> {
  try {
    if (keepDays !== null) await removeFiles(await oldFiles(project, store, keepDays, Date.now()));
    await measureAttempts(project);
    return undefined;
  } catch (error) {
    return `Old transcripts could not be removed: ${error instanceof Error ? error.message : String(error)}`;
  }
}
