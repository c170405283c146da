import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type BetterSqlite3 from 'better-sqlite3';
import { fail } from '../domain/failure.ts';
import { adviseOnDriver } from './driver-advice.ts';

/** What a column can hold here. */
export type SqlValue = string | number | null;

/** A prepared statement whose result rows have the shape `Row`. */
export interface Statement<Row> {
  get(...values: SqlValue[]): Row | undefined;
  all(...values: SqlValue[]): Row[];
  run(...values: SqlValue[]): { readonly changes: number; readonly lastInsertRowid: number };
}

/** A prepared statement that returns each row as an array of its columns: thousands of rows several times faster. */
export interface TableStatement {
  all(...values: SqlValue[]): SqlValue[][];
}

/** The programs that can drive SQLite, the preferred one first. */
export const DRIVERS = ['better-sqlite3', 'node:sqlite'] as const;
export type DriverName = (typeof DRIVERS)[number];

/** The little of SQLite that the store needs; its errors are those of the library behind it. */
export interface Driver {
  readonly name: DriverName;
  prepare<Row>(sql: string): Statement<Row>;
  prepareTable(sql: string): TableStatement;
  exec(sql: string): void;
  close(): void;
}

/** How to choose and load a driver. */
export interface DriverOptions {
  /** Takes this driver or none, instead of the first that loads. */
  readonly driver?: DriverName;
}

/** The part of Node's own `node:sqlite` that is used; its types are not in those of Node 20. */
interface NodeSqlite {
  readonly DatabaseSync: new (file: string) => {
    prepare(sql: string): NodeSqliteStatement;
    exec(sql: string): void;
    close(): void;
  };
}

interface NodeSqliteStatement extends Statement<Record<string, SqlValue>> {
  /** Since Node 22.16. */
  setReturnArrays?(enabled: boolean): void;
}

// Resolved at run time on purpose: either library may be missing, and a bundler must not look for them.
const load = createRequire(import.meta.url);

/** Opens a database file, created if it is missing. Throws `Failed` ("store-unusable") where no driver can be loaded. */
export function openDriver(file: string, { driver }: DriverOptions = {}): Driver {
  const problems: string[] = [];
  let isMissing = false;
  for (const name of driver === undefined ? DRIVERS : [driver]) {
    try {
      return name === 'better-sqlite3' ? openBetterSqlite(file) : openNodeSqlite(file);
    } catch (error) {
      if (!isLoadError(error)) throw error;
      problems.push(`${name}: ${firstLine(error)}`);
      isMissing ||= name === 'better-sqlite3' && isMissingPackage(error);
    }
  }
  return fail(
    'store-unusable',
    `SQLite, which holds the task list, cannot be loaded. ${problems.join('; ')}.`,
    adviseOnDriver(dirname(fileURLToPath(import.meta.url)), isMissing),
  );
}

/** Which driver is used here. Throws `Failed` ("store-unusable") where none can be loaded; opens no file. */
export function probeDriver(options: DriverOptions = {}): DriverName {
  const driver = openDriver(':memory:', options);
  driver.close();
  return driver.name;
}

function openBetterSqlite(file: string): Driver {
  const Database = load('better-sqlite3') as typeof BetterSqlite3;
  const database = new Database(file, knownBinding());
  return {
    name: 'better-sqlite3',
    prepare: <Row>(sql: string) => database.prepare(sql) as unknown as Statement<Row>,
    prepareTable: (sql) => database.prepare(sql).raw() as unknown as TableStatement,
    exec: (sql) => void database.exec(sql),
    close: () => void database.close(),
  };
}

/** Where an install puts the binary; better-sqlite3 by itself looks for it in a dozen places first. */
function knownBinding(): { nativeBinding?: string } {
  const nativeBinding = join(
    dirname(load.resolve('better-sqlite3/package.json')),
    'build/Release/better_sqlite3.node',
  );
  return existsSync(nativeBinding) ? { nativeBinding } : {};
}

function openNodeSqlite(file: string): Driver {
  const { DatabaseSync } = load('node:sqlite') as NodeSqlite;
  const database = new DatabaseSync(file);
  return {
    name: 'node:sqlite',
    prepare: <Row>(sql: string) => database.prepare(sql) as unknown as Statement<Row>,
    prepareTable: (sql) => {
      const statement = database.prepare(sql);
      if (statement.setReturnArrays === undefined) {
        return { all: (...values) => statement.all(...values).map((row) => Object.values(row)) };
      }
      statement.setReturnArrays(true);
      return statement as unknown as TableStatement;
    },
    exec: (sql) => database.exec(sql),
    close: () => database.close(),
  };
}

/** Whether the library or its binary is missing or made for another Node, so that the next driver may do. */
function isLoadError(error: unknown): error is Error {
  if (!(error instanceof Error)) return false;
  const code = 'code' in error ? error.code : undefined;
  return (
    code === 'ERR_DLOPEN_FAILED' ||
    code === 'ERR_UNKNOWN_BUILTIN_MODULE' ||
    isMissingPackage(error) ||
    error.message.startsWith('Could not locate the bindings file')
  );
}

function isMissingPackage(error: Error): boolean {
  return 'code' in error && error.code === 'MODULE_NOT_FOUND';
}

function firstLine(error: Error): string {
  return (error.message.split('\n', 1)[0] ?? '').replace(/[.:\s]+$/, '');
}
