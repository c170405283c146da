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
import type { Database } from './database.ts';
import { type DriverOptions, openDriver } from './driver.ts';
import { makePrivateFolder } from './private-folder.ts';

/** How many copies of one store are kept. */
const GENERATIONS = 4;

/** What a process that was killed in the middle of a copy has left is older than this, in milliseconds. */
const ABANDONED_MS = 3_600_000;

/** A copy of a task store. */
export interface StoreCopy {
  readonly file: string;
  /** ISO 8601, UTC. */
  readonly takenAt: string;
  /** When the first thing happened in that store: tells it from another one that was made in its place later. */
  readonly born: string;
  /** The number of the last thing that happened in it. */
  readonly lastEvent: number;
}

/** What is in a copy. */
export interface CopyContent {
  /** Over all lists; a task with subtasks is counted by them. */
  readonly tasks: number;
  readonly done: number;
  readonly attempts: number;
  /** The orchestrator's process of a run that had not ended. */
  readonly openRun: { readonly id: string; readonly pid: number; readonly startTime: string } | null;
}

/**
 * Copies a store to a folder of its own, unless its newest copy holds the same; of each store, the oldest copies go.
 * Where another store stood before, its copies stay: an empty one that takes its place must not push them out.
 *
 * A copy is there whole or not at all, and only its owner can read it. Any number of processes may do this at once.
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

/** Why there is no copy, for people. */
export function describeCopyProblem(error: unknown): string {
  const reason = error instanceof Error ? error.message : String(error);
  return `No copy of the task list could be kept outside of the project: ${reason}. The list itself is stored.`;
}

/** The copies that are kept in a folder, the newest first; none where there is no such folder. */
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

/** Looks into a copy, or another task store, which is left as it is; undefined where it cannot be read. */
export function readCopy(file: string, options: DriverOptions = {}): CopyContent | undefined {
  // SQLite would make a missing one.
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
 * Puts a copy where the store belongs, and returns under which name what was there is kept; null where nothing was.
 * Without `replace`, a store that is there makes it throw (EEXIST). What is left of a store without its main file, such
 * as its write-ahead log, must not be taken for a part of the copy, and is put aside too.
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

/** Unlike a rename, a link never replaces what another process has made meanwhile; not every file system has links. */
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

/** A time in a form that every file system takes in a name. */
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

/** Waits until it is on the disk; what cannot be waited for, as folders on Windows, is left to the system. */
function flush(path: string): void {
  try {
    const opened = openSync(path, 'r');
    try {
      fsyncSync(opened);
    } finally {
      closeSync(opened);
    }
  } catch {
    // The copy is there all the same, unless the power fails in the next seconds.
  }
}

function randomName(): string {
  return Math.random().toString(36).slice(2);
}
