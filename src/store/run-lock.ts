import { readFileSync, writeFileSync } from 'node:fs';
import { Failed, fail } from '../domain/failure.ts';
import { type Driver, type DriverOptions, openDriver } from './driver.ts';
import { explainLocation, isLocationError, sqliteCode } from './store-failure.ts';
import { refuseSecondRun } from './runs.ts';
import type { Run } from './store.ts';

/** A project that is held for one run, until it is released or the process is gone. */
export interface RunLock {
  /** Harmless when it is called again. */
  release(): void;
}

/**
 * Two that come at the same moment get into each other's way for an instant, so each waits this long for the other, in
 * milliseconds; one that finds a run at work is refused after it.
 */
const WAIT_MS = 1000;

/**
 * Holds the project for one run, or throws `Failed`: "run-in-progress", naming the holder as far as `newestRun` tells
 * it, or by the `holder` that it gave itself before its run began; or "store-unusable" where the file system cannot lock.
 *
 * The kernel lets go of the lock when its process ends, in whichever way: after `kill -9`, a reboot or the end of a
 * container there is nothing to clean up, and a holder in another container, whose process cannot be seen from here,
 * holds it all the same. Child processes do not inherit it.
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

/** Beside the lock, since no other descriptor of its own file may be opened here. */
const holderFile = (file: string): string => `${file}-holder`;

/** It is for people only: where it cannot be kept, they are told less. */
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
 * Takes the lock, or returns undefined where another process has it.
 *
 * It is an exclusive transaction on a SQLite file that stays empty, since neither Node nor a dependency of ours offers
 * the kernel's locks in another way. Nothing else in this process may open that file: on Unix, closing any descriptor
 * of a file drops every lock that the process has on it.
 */
export function acquireRunLock(file: string, options: DriverOptions = {}): RunLock | undefined {
  let driver: Driver | undefined;
  try {
    driver = openDriver(file, options);
    // With its journal in memory, SQLite leaves no second file behind that the next one would have to look at.
    driver.exec(`PRAGMA busy_timeout = ${WAIT_MS}; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE;`);
  } catch (error) {
    driver?.close();
    if (sqliteCode(error) === 'BUSY') return undefined;
    throw explainLockError(error, file);
  }
  return releasable(driver);
}

/** A database that nobody refers to any more is closed by the garbage collector, which would let go of its lock. */
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

/** What a failure of the lock means for the person at the keyboard; anything else is handed back as it is. */
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
