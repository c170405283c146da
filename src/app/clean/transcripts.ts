import { realpathSync } from 'node:fs';
import { rm, rmdir } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import type { TaskStore } from '../../store/store.ts';
import { attemptsFolder, bytesBelow, measureAttempts } from '../project/transcripts.ts';
import type { Project } from '../project/project.ts';

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
