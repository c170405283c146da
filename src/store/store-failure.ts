import { accessSync, constants, statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { Failed } from '../domain/failure.ts';

/** SQLite's primary result codes that are about the file or the machine, and not about our SQL. */
const PRIMARY_CODES: Readonly<Record<number, string>> = {
  3: 'PERM',
  5: 'BUSY',
  6: 'LOCKED',
  8: 'READONLY',
  10: 'IOERR',
  11: 'CORRUPT',
  13: 'FULL',
  14: 'CANTOPEN',
  15: 'PROTOCOL',
  22: 'NOLFS',
  23: 'AUTH',
  26: 'NOTADB',
};

/** The primary SQLite code of an error of either driver, without `SQLITE_`; undefined if it is none of the above. */
export function sqliteCode(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  // node:sqlite has the number, better-sqlite3 the name.
  if ('errcode' in error && typeof error.errcode === 'number') return PRIMARY_CODES[error.errcode & 0xff];
  if (!('code' in error) || typeof error.code !== 'string') return undefined;
  const code = error.code.replace(/^SQLITE_/, '').split('_', 1)[0];
  return Object.values(PRIMARY_CODES).find((known) => known === code);
}

/** Explains an error of SQLite to the user; any other error is returned as it is. */
export function explainStoreError(error: unknown, name: string, file: string): unknown {
  const code = sqliteCode(error);
  if (code === undefined || !(error instanceof Error)) return error;
  const { cause, fix } = explanation(code, file);
  return new Failed(
    { reason: 'store-unusable', message: `The ${name} ${file} ${cause} (${error.message}).`, fix },
    { cause: error },
  );
}

/**
 * Whether an error comes from the file's location (a full or read-only disk, permissions), and not from the database.
 */
export function isLocationError(error: unknown): boolean {
  const code = sqliteCode(error instanceof Failed ? error.cause : error);
  return code !== undefined && LOCATION_CODES.has(code);
}

const LOCATION_CODES: ReadonlySet<string> = new Set(['CANTOPEN', 'FULL', 'IOERR', 'PERM', 'READONLY']);

/** Finds what is wrong with a file's location, if that can be told. SQLite has the same error for many causes. */
export function explainLocation(file: string): { cause: string; fix: string } | undefined {
  const folder = dirname(file);
  try {
    accessSync(folder, constants.W_OK);
    const { bavail, bsize } = statfsSync(folder);
    if (bavail * bsize > LEAST_BYTES) return undefined;
    return {
      cause: 'cannot be written: its disk is full',
      fix: `Free some space on that disk, which \`df "${folder}"\` shows, then try again.`,
    };
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error) || error.code !== 'EROFS') return undefined;
    return {
      cause: 'is on a file system that is mounted read-only',
      fix: 'Mount it for writing, or work on a copy of the project elsewhere.',
    };
  }
}

/** A little more than SQLite needs beside a database to work at all. */
const LEAST_BYTES = 64 * 1024;

function explanation(code: string, file: string): { cause: string; fix: string } {
  const place = LOCATION_CODES.has(code) ? explainLocation(file) : undefined;
  if (place !== undefined) return { ...place, cause: `${place.cause}; nothing of this change was stored` };
  switch (code) {
    case 'CORRUPT':
    case 'NOTADB':
      return {
        cause: 'is damaged or is not a SQLite database',
        fix: `Bring its last copy back with \`claude-orchestrator recover store --replace\`, which keeps this one aside; where there is no copy, \`mv "${file}" "${file}.damaged"\` and run \`claude-orchestrator init\`.`,
      };
    case 'FULL':
      return {
        cause: 'cannot grow: the disk is full; nothing of this change was stored',
        fix: 'Free some space on that disk, then try again.',
      };
    case 'IOERR':
      return {
        cause: 'cannot be read or written; nothing of this change was stored',
        fix: 'Check the disk: its free space (`df`), its health, and that it is still mounted; then try again.',
      };
    case 'READONLY':
    case 'PERM':
    case 'AUTH':
      return {
        cause: 'is read-only for this user; nothing of this change was stored',
        fix: 'Make the file and the directory it is in writable for this user.',
      };
    case 'BUSY':
    case 'LOCKED':
    case 'PROTOCOL':
      return {
        cause: 'stayed locked by another process; nothing of this change was stored',
        fix: `Try again; \`fuser "${file}"\` tells which process holds it.`,
      };
    default:
      return {
        cause: 'cannot be opened',
        fix: 'Check that it is a file, not a directory, and that this user may read and write it and its directory.',
      };
  }
}
