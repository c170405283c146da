import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { type Driver, type DriverOptions, openDriver } from './driver.ts';

/** Where files can be made on most machines even if a disk is full. The second place is memory. */
const PLACES = [tmpdir(), '/dev/shm'];

/**
 * Opens a copy of a database that cannot be opened in place. SQLite makes files beside a database even to read it,
 * which fails on a full disk and on one that is mounted read-only. In that case no other process has the database
 * open, or those files would exist. Undefined if there is no room for a copy either. The copy disappears with the
 * process.
 */
export function openReadOnlyCopy(file: string, options: DriverOptions): Driver | undefined {
  if (!existsSync(file)) return undefined;
  for (const place of PLACES) {
    let folder: string | undefined;
    let driver: Driver | undefined;
    try {
      folder = mkdtempSync(join(place, 'claude-orchestrator-'));
      const copy = join(folder, basename(file));
      for (const suffix of ['', '-wal'])
        if (existsSync(file + suffix)) copyFileSync(file + suffix, copy + suffix);
      driver = openDriver(copy, options);
      driver.exec('PRAGMA query_only = ON');
      // After the first query, SQLite has all files of the copy open.
      driver.prepare('SELECT count(*) FROM sqlite_schema').get();
      return driver;
    } catch {
      driver?.close();
    } finally {
      if (folder !== undefined) remove(folder);
    }
  }
  return undefined;
}

function remove(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true });
  } catch {
    // Windows does not delete open files; the system clears its temporary folder.
  }
}
