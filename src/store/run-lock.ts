import { readFileSync, writeFileSync } from 'node:fs';
import { Failed, fail } from '../domain/failure.ts';
import { type Driver, type DriverOptions, openDriver } from './driver.ts';
import { explainLocation, isLocationError, sqliteCode } from './store-failure.ts';
import { refuseSecondRun } from './runs.ts';
import type { Run } from './store.ts';

/** The lock of a project for one run. It holds until it is released or the process has ended. */
export interface RunLock {
  /** May be called again, without effect. */
  release(): void;
}

/**
 * How long to wait for the lock, in milliseconds. Two processes that start at the same moment block each other for an
 * instant, so each waits for the other. If a run holds the lock, the other process is refused after this time.
 */
const WAIT_MS = 1000;

/**
 * Locks the project for one run, or throws `Failed`. The reason is "run-in-progress" if another run holds the lock; the
 * message names that run by `newestRun` or, before the run is stored, by the text `holder` that its process left. The
 * reason is "store-unusable" if the file system cannot lock.
 *
 * The kernel releases the lock when the process ends, however it ends: after `kill -9`, a reboot or the end of a
 * container there is nothing to clean up. A process in another container holds the lock too, although it is not
 * visible from here. Child processes do not inherit the lock.
 */
export function openRunLock(
  file: string,
  newestRun: () => Run | undefined,
  { holder, ...options }: DriverOptions & { readonly holder: string },
): RunLock {
  const lock = acquireRunLock(file, options);
  if (lock === undefined) return refuse(newestRun(), readHolder(file));
  writeHolder(file, holder);
  return lock;
}

/** A file beside the lock, since no other descriptor of the lock file may be opened in this process. */
const holderFile = (file: string): string => `${file}-holder`;

/** The text is only for people. If it cannot be written, the message of a refusal says less. */
function writeHolder(file: string, holder: string): void {
  try {
    writeFileSync(holderFile(file), holder);
  } catch {
    return;
  }
}

function readHolder(file: string): string | undefined {
  try {
    return readFileSync(holderFile(file), 'utf8');
  } catch {
    return undefined;
  }
}

/**
 * Takes the lock; undefined if another process has it.
 *
 * The lock is an exclusive transaction on a SQLite file that stays empty, since neither Node nor our dependencies
 * give access to the kernel's locks in another way. Nothing else in this process may open that file: on Unix, closing
 * any descriptor of a file drops every lock that the process has on it.
 */
export function acquireRunLock(file: string, options: DriverOptions = {}): RunLock | undefined {
  let driver: Driver | undefined;
  try {
    driver = openDriver(file, options);
    // With the journal in memory, SQLite leaves no second file that the next process would have to read.
    driver.exec(`PRAGMA busy_timeout = ${WAIT_MS}; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE;`);
  } catch (error) {
    driver?.close();
    if (sqliteCode(error) === 'BUSY') return undefined;
    throw explainLockError(error, file);
  }
  return releasable(driver);
}

/**
 * Keeps a reference to each lock: the garbage collector closes a database without one, which would release its lock.
 */
const held = new Set<Driver>();

function releasable(driver: Driver): RunLock {
  held.add(driver);
  return {
    release() {
      if (held.delete(driver)) driver.close();
    },
  };
}

function refuse(run: Run | undefined, holder: string | undefined): never {
  if (run === undefined || run.endedAt !== null)
    return fail(
      'run-in-progress',
      `Another run of this project is just starting or ending${holder === undefined ? '' : `: ${holder}`}.`,
      'Try again in a moment; `claude-orchestrator status` shows it.',
    );
  return refuseSecondRun(run, ', in its container if it has one');
}

/** Explains an error of the lock to the user; any other error is returned as it is. */
export function explainLockError(error: unknown, file: string): unknown {
  const code = sqliteCode(error);
  if (code === undefined || !(error instanceof Error)) return error;
  const place = isLocationError(error) ? explainLocation(file) : undefined;
  const [cause, fix] = place === undefined ? explanation(code, file) : [place.cause, place.fix];
  const message = `The lock that keeps a project to one run at a time, ${file}, ${cause} (${error.message}). Nothing was started.`;
  return new Failed({ reason: 'store-unusable', message, fix }, { cause: error });
}

function explanation(code: string, file: string): [cause: string, fix: string] {
  switch (code) {
    case 'CORRUPT':
    case 'NOTADB':
      return ['is not the file that it should be', `Remove it with \`rm "${file}"\`; it holds nothing.`];
    case 'IOERR':
    case 'LOCKED':
    case 'NOLFS':
    case 'PROTOCOL':
      return [
        'cannot be locked: its file system does not support locks, as some network file systems do not',
        'Keep the project on a local disk, or mount the network file system with locks (for NFS, with lockd).',
      ];
    case 'FULL':
      return ['cannot be made: the disk is full', 'Free some space on that disk, then try again.'];
    default:
      return [
        'cannot be opened for writing',
        'Make the file and the directory it is in writable for this user.',
      ];
  }
}
