import {
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { messageOf } from '../domain/failure.ts';
import type { Database } from './database.ts';
import { type DriverOptions, openDriver } from './driver.ts';
import { makePrivateFolder } from './private-folder.ts';

/** How many copies of a store are kept. */
const GENERATIONS = 4;

/** A temporary file older than this is left from a process that was killed while copying, in milliseconds. */
const ABANDONED_MS = 3_600_000;

/** A copy of a task store. */
export interface StoreCopy {
  readonly file: string;
  /** ISO 8601, UTC. */
  readonly takenAt: string;
  /**
   * The time of the store's first event. It tells the store apart from another one that was made in its place later.
   */
  readonly born: string;
  /** The number of the store's last event. */
  readonly lastEvent: number;
}

/** What is in a copy. */
export interface CopyContent {
  /** The tasks of all lists. Of a task with subtasks, the subtasks are counted. */
  readonly tasks: number;
  readonly done: number;
  readonly attempts: number;
  /** The run that had not ended, and its process. */
  readonly openRun: { readonly id: string; readonly pid: number; readonly startTime: string } | null;
}

/**
 * Copies a store to a folder of copies, unless its newest copy has the same content, and deletes the oldest copies of
 * this store. The copies of an earlier store in the same place stay: an empty store that replaces it must not push
 * them out.
 *
 * A copy appears whole or not at all, and only its owner can read it. Any number of processes may do this at once.
 */
export function saveCopy(db: Database, folder: string, now: string): void {
  const state = db.read(() =>
    db
      .sql<{ born: string | null; lastEvent: number }>(
        `SELECT (SELECT at FROM events ORDER BY id LIMIT 1) AS born,
                (SELECT coalesce(max(id), 0) FROM events) AS lastEvent`,
      )
      .get(),
  );
  if (state === undefined || state.born === null) return;
  const { born, lastEvent } = state;
  const earlier = listCopies(folder).filter((copy) => copy.born === born);
  if (earlier[0]?.lastEvent === lastEvent) return;
  makePrivateFolder(folder);
  const draft = join(folder, `${randomName()}.tmp`);
  try {
    closeSync(openSync(draft, 'wx', 0o600));
    db.copyInto(draft);
    flush(draft);
    renameSync(draft, join(folder, nameOf({ born, takenAt: now, lastEvent })));
  } finally {
    rmSync(draft, { force: true });
  }
  flush(folder);
  for (const { file } of earlier.slice(GENERATIONS - 1)) rmSync(file, { force: true });
  removeAbandoned(folder, Date.parse(now));
}

/** Says to people why there is no copy. */
export function describeCopyProblem(error: unknown): string {
  const reason = messageOf(error);
  return `No copy of the task list could be kept outside of the project: ${reason}. The list itself is stored.`;
}

/** The copies in a folder, the newest first; none if there is no such folder. */
export function listCopies(folder: string): StoreCopy[] {
  return namesIn(folder)
    .flatMap((name) => {
      const [, born = '', takenAt = '', lastEvent] = COPY_NAME.exec(name) ?? [];
      if (lastEvent === undefined) return [];
      return [
        {
          file: join(folder, name),
          born: readTime(born),
          takenAt: readTime(takenAt),
          lastEvent: Number(lastEvent),
        },
      ];
    })
    .sort((a, b) => compare(b.takenAt, a.takenAt) || b.lastEvent - a.lastEvent);
}

/** Reads the content of a copy or of another task store, without changing it; undefined if it cannot be read. */
export function readCopy(file: string, options: DriverOptions = {}): CopyContent | undefined {
  // SQLite would create a missing file.
  if (!existsSync(file)) return undefined;
  try {
    const driver = openDriver(file, options);
    try {
      driver.exec('PRAGMA query_only = ON');
      const counts = driver
        .prepare<Omit<CopyContent, 'openRun'>>(
          `SELECT count(*) AS tasks, count(*) FILTER (WHERE status = 'done') AS done,
             (SELECT count(*) FROM attempts) AS attempts
           FROM tasks t
           WHERE sub > 0 OR NOT EXISTS
             (SELECT 1 FROM tasks s WHERE s.tag = t.tag AND s.number = t.number AND s.sub > 0)`,
        )
        .get();
      const openRun = driver
        .prepare<NonNullable<CopyContent['openRun']>>(
          'SELECT id, pid, process_start AS startTime FROM runs WHERE ended_at IS NULL ORDER BY seq DESC LIMIT 1',
        )
        .get();
      return counts && { ...counts, openRun: openRun ?? null };
    } finally {
      driver.close();
    }
  } catch {
    return undefined;
  }
}

/**
 * Puts a copy in the place of the store. Returns the name under which the previous store is kept, or null if there
 * was none. Without `replace`, it throws (EEXIST) if there is a store. Files that are left of a store without its
 * main file, such as its write-ahead log, are moved aside too: they must not be taken for a part of the copy.
 */
export function restoreCopy(
  copy: StoreCopy,
  databaseFile: string,
  now: string,
  replace: boolean,
): string | null {
  if (!existsSync(dirname(databaseFile))) mkdirSync(dirname(databaseFile));
  const draft = `${databaseFile}.${randomName()}.tmp`;
  try {
    copyFileSync(copy.file, draft, constants.COPYFILE_EXCL);
    flush(draft);
    const aside = replace || !existsSync(databaseFile) ? moveAside(databaseFile, writeTime(now)) : null;
    placeNew(draft, databaseFile);
    return aside;
  } finally {
    rmSync(draft, { force: true });
  }
}

function moveAside(databaseFile: string, time: string): string | null {
  const aside = `${databaseFile}.before-${time}`;
  const there = ['', '-wal', '-shm'].filter((suffix) => existsSync(databaseFile + suffix));
  for (const suffix of there) renameSync(databaseFile + suffix, aside + suffix);
  return there.length === 0 ? null : aside;
}

/**
 * A link, unlike a rename, never replaces a file that another process has made meanwhile. Not every file system has
 * links.
 */
function placeNew(draft: string, file: string): void {
  try {
    linkSync(draft, file);
  } catch (error) {
    if (existsSync(file)) throw error;
    renameSync(draft, file);
  }
}

const COPY_NAME = /^tasks\.(\d{8}T\d{9}Z)\.(\d{8}T\d{9}Z)\.(\d+)\.db$/;

function nameOf({ born, takenAt, lastEvent }: Omit<StoreCopy, 'file'>): string {
  return `tasks.${writeTime(born)}.${writeTime(takenAt)}.${lastEvent}.db`;
}

/** Writes a time so that every file system accepts it in a name. */
function writeTime(iso: string): string {
  return iso.replace(/[-:.]/g, '');
}

function readTime(text: string): string {
  return text.replace(/^(....)(..)(..T..)(..)(..)(...Z)$/, '$1-$2-$3:$4:$5.$6');
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function removeAbandoned(folder: string, now: number): void {
  for (const name of namesIn(folder).filter((each) => each.endsWith('.tmp'))) {
    const file = join(folder, name);
    const { mtimeMs } = statSync(file, { throwIfNoEntry: false }) ?? { mtimeMs: now };
    if (now - mtimeMs > ABANDONED_MS) rmSync(file, { force: true });
  }
}

/** Waits until a file or folder is on the disk, where the system allows that; Windows does not for folders. */
function flush(path: string): void {
  try {
    const opened = openSync(path, 'r');
    try {
      fsyncSync(opened);
    } finally {
      closeSync(opened);
    }
  } catch {
    // The copy exists anyway, unless the power fails in the next seconds.
  }
}

function randomName(): string {
  return Math.random().toString(36).slice(2);
}
