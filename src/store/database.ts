import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { fail } from '../domain/failure.ts';
import {
  type Driver,
  type DriverName,
  type DriverOptions,
  openDriver,
  type Statement,
  type TableStatement,
} from './driver.ts';
import { openReadOnlyCopy } from './read-only-copy.ts';
import { explainStoreError, isLocationError, sqliteCode } from './store-failure.ts';

/** How long a process waits for another one that writes, in milliseconds. */
const BUSY_TIMEOUT = 10_000;

/** The name of a database, and how its tables are made. */
export interface Schema {
  /** For people: `task store`. */
  readonly name: string;
  /** Identifies databases of this kind, so that no other is ever migrated. */
  readonly applicationId: number;
  /** Step n takes a database from `user_version` n to n + 1. */
  readonly migrations: readonly string[];
}

/** How a database is opened. */
export interface DatabaseOptions extends DriverOptions {
  /** Reads a copy if a full or read-only disk prevents opening the file itself; writing fails then. */
  readonly readCopy?: boolean;
}

/**
 * An open and migrated database, with prepared statements, snapshots for reading and immediate transactions for
 * writing.
 */
export class Database {
  readonly path: string;
  readonly #schema: Schema;
  #driver: Driver;
  readonly #statements = new Map<string, Statement<unknown>>();
  readonly #tables = new Map<string, TableStatement>();
  #isInTransaction = false;
  /** Whether `transaction` began the current transaction, so that reads and writes join it. */
  #isJoinable = false;
  #isOpen = true;
  /** Why only a copy is read, to which nothing can be written. */
  #locationError: Error | undefined;

  /** Throws `Failed` ("store-unusable") if the file cannot be used. A newer database is left as it is. */
  constructor(path: string, schema: Schema, options: DatabaseOptions = {}) {
    this.path = path;
    this.#schema = schema;
    if (!existsSync(dirname(path))) {
      fail(
        'store-unusable',
        `The ${schema.name} ${path} cannot be opened: the directory ${dirname(path)} does not exist.`,
        `Create it with \`mkdir -p "${dirname(path)}"\`, or run \`claude-orchestrator init\` in the project.`,
      );
    }
    this.#driver = this.#explained(() => openDriver(path, options));
    try {
      this.#explained(() => {
        this.#begin();
        if (!this.#isCurrent()) this.#migrate();
      });
    } catch (error) {
      this.#driver.close();
      if (options.readCopy !== true || !(error instanceof Error) || !isLocationError(error)) throw error;
      const copy = openReadOnlyCopy(path, options);
      if (copy === undefined) throw error;
      this.#driver = copy;
      this.#locationError = error;
      if (this.#isCurrent()) return;
      copy.close();
      throw error;
    }
  }

  get driver(): DriverName {
    return this.#driver.name;
  }

  /** A statement that is prepared once and reused. */
  sql<Row>(text: string): Statement<Row> {
    let statement = this.#statements.get(text);
    if (statement === undefined) {
      statement = this.#driver.prepare<unknown>(text);
      this.#statements.set(text, statement);
    }
    return statement as Statement<Row>;
  }

  /** Like `sql`, for a statement with many rows: each row is an array of its columns. */
  table(text: string): TableStatement {
    let statement = this.#tables.get(text);
    if (statement === undefined) {
      statement = this.#driver.prepareTable(text);
      this.#tables.set(text, statement);
    }
    return statement;
  }

  /** Runs `work` on a snapshot: everything that it reads is of one moment. */
  read<T>(work: () => T): T {
    return this.#transaction('BEGIN', work);
  }

  /** Stores everything that `work` writes durably, or nothing of it if it throws. */
  write<T>(work: () => T): T {
    if (this.#locationError !== undefined) throw this.#locationError;
    return this.#transaction('BEGIN IMMEDIATE', work);
  }

  /** Puts any number of reads and writes into one transaction. */
  transaction<T>(work: () => T): T {
    return this.write(() => {
      this.#isJoinable = true;
      try {
        return work();
      } finally {
        this.#isJoinable = false;
      }
    });
  }

  /**
   * Like `write`, but several times faster, since it does not wait for the disk. What it writes outlives every process,
   * but a power failure loses it unless something durable was written later.
   */
  writeRelaxed<T>(work: () => T): T {
    this.#driver.exec('PRAGMA synchronous = NORMAL');
    try {
      return this.#transaction('BEGIN IMMEDIATE', work);
    } finally {
      this.#driver.exec('PRAGMA synchronous = FULL');
    }
  }

  /** Changes whenever another connection has written something. */
  version(): number {
    return this.#explained(
      () => this.sql<{ data_version: number }>('PRAGMA data_version').get()?.data_version ?? 0,
    );
  }

  schemaVersion(): number {
    return this.#pragma('user_version');
  }

  /** Writes a snapshot of everything to a file that is empty or does not exist. Errors are those of the library. */
  copyInto(file: string): void {
    this.sql('VACUUM INTO ?').run(file);
  }

  /** Reads the whole file; returns what SQLite finds wrong with it, nothing if it is sound. */
  problems(): string[] {
    return this.read(() => [
      ...this.sql<{ integrity_check: string }>('PRAGMA integrity_check')
        .all()
        .map((row) => row.integrity_check)
        .filter((line) => line !== 'ok'),
      ...this.sql<{ table: string; parent: string }>('PRAGMA foreign_key_check')
        .all()
        .map((row) => `A row of ${row.table} refers to a row of ${row.parent} that does not exist.`),
    ]);
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#explained(() => this.#driver.close());
  }

  #begin(): void {
    this.#driver.exec(
      `PRAGMA busy_timeout = ${BUSY_TIMEOUT}; PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL;`,
    );
  }

  #isCurrent(): boolean {
    const { migrations, applicationId } = this.#schema;
    return this.schemaVersion() === migrations.length && this.#pragma('application_id') === applicationId;
  }

  #transaction<T>(begin: string, work: () => T): T {
    if (this.#isJoinable) return work();
    if (this.#isInTransaction) throw new Error('A store method was called from inside another one.');
    return this.#explained(() => {
      this.sql(begin).run();
      this.#isInTransaction = true;
      try {
        const result = work();
        this.sql('COMMIT').run();
        return result;
      } catch (error) {
        this.#rollback();
        throw error;
      } finally {
        this.#isInTransaction = false;
      }
    });
  }

  #rollback(): void {
    try {
      this.sql('ROLLBACK').run();
    } catch {
      // SQLite has rolled back by itself, as it does if the disk is full. The first error is the one to report.
    }
  }

  /** Several processes may migrate a new file at once: whichever comes first takes the next step. */
  #migrate(): void {
    this.#refuseForeign();
    retryWhileBusy(() => this.#driver.exec('PRAGMA journal_mode = WAL'));
    const { migrations, applicationId } = this.#schema;
    for (const [version, step] of migrations.entries()) {
      this.#transaction('BEGIN IMMEDIATE', () => {
        if (this.schemaVersion() !== version) return;
        this.#driver.exec(step);
        this.#driver.exec(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${version + 1};`);
      });
    }
    this.#refuseForeign();
  }

  #refuseForeign(): void {
    const { name, migrations, applicationId } = this.#schema;
    const version = this.schemaVersion();
    const isOurs =
      version === 0
        ? this.#driver.prepare('SELECT 1 FROM sqlite_schema LIMIT 1').get() === undefined
        : this.#pragma('application_id') === applicationId;
    // Another process may have migrated the file between the two checks.
    if (!isOurs && this.schemaVersion() === version) {
      fail(
        'store-unusable',
        `${this.path} is a SQLite database of another program; it was not touched.`,
        'Move it elsewhere, then run `claude-orchestrator init`.',
      );
    }
    if (version > migrations.length) {
      fail(
        'store-unusable',
        `The ${name} ${this.path} was written by a newer claude-orchestrator (its format is ${version}, this one knows up to ${migrations.length}); it was not touched.`,
        'Update this installation with `npm install -g claude-orchestrator@latest`.',
      );
    }
  }

  #pragma(name: 'user_version' | 'application_id'): number {
    return this.#driver.prepare<Record<string, number>>(`PRAGMA ${name}`).get()?.[name] ?? 0;
  }

  #explained<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw explainStoreError(error, this.#schema.name, this.path);
    }
  }
}

/** Retries while the file is locked, since SQLite itself does not wait for the lock to change the journal mode. */
function retryWhileBusy(work: () => void): void {
  const sleeper = new Int32Array(new SharedArrayBuffer(4));
  for (let waited = 0; ; waited += 5) {
    try {
      work();
      return;
    } catch (error) {
      if (sqliteCode(error) !== 'BUSY' || waited >= BUSY_TIMEOUT) throw error;
      Atomics.wait(sleeper, 0, 0, 5);
    }
  }
}
