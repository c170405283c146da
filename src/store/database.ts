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

/** What a database is for, and what it is made of. */
export interface Schema {
  /** For people: `task store`. */
  readonly name: string;
  /** Marks a database as this one, so that no other is ever migrated. */
  readonly applicationId: number;
  /** Step n takes a database from `user_version` n to n + 1. */
  readonly migrations: readonly string[];
}

/** How a database is opened. */
export interface DatabaseOptions extends DriverOptions {
  /** Reads a copy where a full or read-only disk keeps the file itself from being opened; writing fails then. */
  readonly readCopy?: boolean;
}

/** An open, migrated database: prepared statements, snapshots for reading, immediate transactions for writing. */
export class Database {
  readonly path: string;
  readonly #schema: Schema;
  #driver: Driver;
  readonly #statements = new Map<string, Statement<unknown>>();
  readonly #tables = new Map<string, TableStatement>();
  #isInTransaction = false;
  /** The transaction was begun by `transaction`: reads and writes inside it are part of it. */
  #isJoinable = false;
  #isOpen = true;
  /** Why only a copy is read, which nothing can be written to. */
  #locationError: Error | undefined;

  /** Throws `Failed` ("store-unusable") where the file cannot be used; a newer database is left as it is. */
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

  /** The same for a statement with many rows, each as an array of its columns. */
  table(text: string): TableStatement {
    let statement = this.#tables.get(text);
    if (statement === undefined) {
      statement = this.#driver.prepareTable(text);
      this.#tables.set(text, statement);
    }
    return statement;
  }

  /** Everything that `work` reads is of one moment. */
  read<T>(work: () => T): T {
    return this.#transaction('BEGIN', work);
  }

  /** Everything that `work` writes is stored durably, or nothing of it where it throws. */
  write<T>(work: () => T): T {
    if (this.#locationError !== undefined) throw this.#locationError;
    return this.#transaction('BEGIN IMMEDIATE', work);
  }

  /** One transaction around any number of reads and writes. */
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
   * Like `write`, without waiting for the disk: it outlives every process, and is lost with a power failure unless
   * something durable was written after it. Several times faster.
   */
  writeRelaxed<T>(work: () => T): T {
    this.#driver.exec('PRAGMA synchronous = NORMAL');
    try {
      return this.#transaction('BEGIN IMMEDIATE', work);
    } finally {
      this.#driver.exec('PRAGMA synchronous = FULL');
    }
  }

  /** Changes whenever something was written through any other connection. */
  version(): number {
    return this.#explained(
      () => this.sql<{ data_version: number }>('PRAGMA data_version').get()?.data_version ?? 0,
    );
  }

  schemaVersion(): number {
    return this.#pragma('user_version');
  }

  /** Writes everything, as of one moment, to a file that is empty or not there; errors are those of the library. */
  copyInto(file: string): void {
    this.sql('VACUUM INTO ?').run(file);
  }

  /** What SQLite itself finds wrong with the file; empty if it is sound. Reads all of it. */
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
      // SQLite has rolled back by itself, as it does when the disk is full; the first error is the one to tell.
    }
  }

  /** Several processes may be here at once with a new file: each step is taken by whoever comes first. */
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
    // Between the two looks another process may have migrated the file.
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

/** SQLite does not wait by itself for the lock that a change of the journal mode needs. */
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
