import { readFileSync, realpathSync } from 'node:fs';
import { lstat, mkdir, readdir, rm, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { messageOf } from '../../domain/failure.ts';
import type { TaskStore } from '../../store/store.ts';
import type { OldFiles } from '../contract/clean.ts';
import type { Project } from './project.ts';

/** What a project's files were found to take, and when. */
export interface KnownSize {
  readonly bytes: number;
  /** ISO 8601, UTC. */
  readonly at: string;
}

/** People are told of transcripts that take more than this. */
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

/** Measures the files of all attempts, and keeps the result for callers that have no time to measure. */
export async function measureAttempts(project: Pick<Project, 'stateFolder'>): Promise<number> {
  const bytes = await bytesBelow(attemptsFolder(project));
  const known: KnownSize = { bytes, at: new Date().toISOString() };
  await mkdir(join(project.stateFolder, 'logs'), { recursive: true });
  await writeFile(sizeFile(project), JSON.stringify(known));
  return bytes;
}

/** What the files of all attempts took when they were last measured, such as at the end of a run; null if never. */
export function knownSizeOfAttempts(project: Pick<Project, 'stateFolder'>): KnownSize | null {
  try {
    const { bytes, at } = JSON.parse(readFileSync(sizeFile(project), 'utf8')) as Partial<KnownSize>;
    return typeof bytes === 'number' && typeof at === 'string' ? { bytes, at } : null;
  } catch {
    return null;
  }
}

/** Where the files of all attempts are. */
function attemptsFolder({ stateFolder }: Pick<Project, 'stateFolder'>): string {
  return join(stateFolder, 'attempts');
}

function sizeFile({ stateFolder }: Pick<Project, 'stateFolder'>): string {
  return join(stateFolder, 'logs', 'size.json');
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
    // Files of another project, which this one is a copy of, are not ours. Neither is what a link leads to.
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

/** Removes files of attempts, and the folder of their run where it is empty then. */
export async function removeFiles(files: readonly OldFiles[]): Promise<void> {
  for (const { directory } of files) {
    await rm(directory, { recursive: true, force: true });
    await rmdir(dirname(directory)).catch(() => undefined);
  }
}

/**
 * Removes transcripts that are older than the configuration allows, and measures the rest. The caller holds the
 * project. Returns a sentence about what went wrong.
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
    return `Old transcripts could not be removed: ${messageOf(error)}`;
  }
}
