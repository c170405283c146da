import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { type Driver, type DriverOptions, openDriver } from './driver.ts';

/** Where files can be made on most machines even if a disk is full: the second is memory. */
const PLACES = [tmpdir(), '/dev/shm'];

/**
 * Opens a copy of a database that cannot be opened where it is: SQLite makes files beside a database even to read it,
 * which a full disk and one that is mounted read-only do not let it. Nobody else has it open in that case, or these files
 * would be there. Undefined where there is no room for a copy either. The copy is gone with the process.
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
      // All files of it are open after the first look.
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
    // Windows keeps what is open; the system clears its temporary folder.
  }
}
