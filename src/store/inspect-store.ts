import { Database } from './database.ts';
import type { DriverName, DriverOptions } from './driver.ts';
import { STORE_SCHEMA } from './migrations.ts';

/** What `check` reports about a store. */
export interface StoreReport {
  /** The library that opens SQLite on this machine. */
  readonly driver: DriverName;
  /** The version of the schema. */
  readonly format: number;
  /** What is wrong with the file, a sentence each; empty if it is sound. */
  readonly problems: readonly string[];
}

/** Checks the whole file of a store. Throws `Failed` ("store-unusable") if it cannot even be opened. */
export function inspectStore(file: string, options: DriverOptions = {}): StoreReport {
  const db = new Database(file, STORE_SCHEMA, { ...options, readCopy: true });
  try {
    return { driver: db.driver, format: db.schemaVersion(), problems: db.problems() };
  } finally {
    db.close();
  }
}
