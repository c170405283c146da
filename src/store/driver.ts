import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type BetterSqlite3 from 'better-sqlite3';
import { fail } from '../domain/failure.ts';

/** The types of values that columns hold. */
export type SqlValue = string | number | null;

/** A prepared statement whose result rows have the shape `Row`. */
export interface Statement<Row> {
  get(...values: SqlValue[]): Row | undefined;
  all(...values: SqlValue[]): Row[];
  run(...values: SqlValue[]): { readonly changes: number; readonly lastInsertRowid: number };
}

/**
 * A prepared statement that returns each row as an array of its columns, several times faster for thousands of rows.
 */
export interface TableStatement {
  all(...values: SqlValue[]): SqlValue[][];
}

/** The libraries that can open SQLite, the preferred one first. */
export const DRIVERS = ['better-sqlite3', 'node:sqlite'] as const;
export type DriverName = (typeof DRIVERS)[number];

/** The part of SQLite that the store needs. Its errors are those of the library. */
export interface Driver {
  readonly name: DriverName;
  prepare<Row>(sql: string): Statement<Row>;
  prepareTable(sql: string): TableStatement;
  exec(sql: string): void;
  close(): void;
}

/** How to choose and load a driver. */
export interface DriverOptions {
  /** Uses only this driver, instead of the first one that loads. */
  readonly driver?: DriverName;
}

/** The part of `node:sqlite` that is used. The types of Node 20 do not have it. */
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

// Loaded at run time on purpose: either library may be missing, and a bundler must not include them.
const load = createRequire(import.meta.url);

/**
 * Opens a database file, and creates it if it is missing. Throws `Failed` ("store-unusable") if no driver can be
 * loaded.
 */
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

/**
 * Finds which driver is used here, without opening a file. Throws `Failed` ("store-unusable") if none can be loaded.
 */
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

/** The place where an install puts the binary. better-sqlite3 itself searches a dozen places first. */
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

/** Whether the library or its binary is missing or made for another Node, so that the next driver is tried. */
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

/** The version of better-sqlite3 that runs on every Node that this program supports. */
const PACKAGE = 'better-sqlite3@12';

/**
 * Says how to make SQLite loadable: the command for the way in which this program was installed, and what works for
 * every installation. `here` is a directory of the program. `isMissing` says that the package is missing, as npm
 * leaves out an optional package that it cannot build; otherwise the package has no binary for this Node.
 */
export function adviseOnDriver(
  here: string,
  isMissing: boolean,
  exists: (path: string) => boolean = existsSync,
): string {
  const command = repair(here, isMissing, exists);
  const newer = 'Use Node.js 22.13 or newer, which has SQLite built in';
  return command === undefined
    ? `${newer}.`
    : `${newer}; or run \`${command}\`, which says why if it cannot be built (it may need Python 3, make and a C++ compiler).`;
}

function repair(here: string, isMissing: boolean, exists: (path: string) => boolean): string | undefined {
  const home = packageHome(here, exists);
  if (home === undefined) return undefined;
  const modules = dirname(home);
  // This is a clone, where npm installs what package.json lists.
  if (basename(modules) !== 'node_modules')
    return npm(isMissing ? 'install' : 'rebuild', `--prefix "${home}"`, isMissing ? '' : 'better-sqlite3');
  const above = dirname(modules);
  if (basename(dirname(above)) === '_npx')
    return `npx --package ${PACKAGE} --package claude-orchestrator claude-orchestrator`;
  const where = exists(join(above, 'package.json')) ? `--prefix "${above}"` : globalPrefix(above);
  // Beside this program, where it is found. Inside it, npm would install the development dependencies too.
  return where && npm(isMissing ? 'install' : 'rebuild', where, isMissing ? PACKAGE : 'better-sqlite3');
}

/**
 * npm keeps global packages in PREFIX/lib/node_modules; other package managers use other places. In a global
 * installation an option says which packages may run install scripts; in a project only its own files can say so.
 */
function globalPrefix(above: string): string | undefined {
  return basename(above) === 'lib'
    ? `--global --allow-scripts=better-sqlite3 --prefix "${dirname(above)}"`
    : undefined;
}

/**
 * A command for npm that runs install scripts even where npm is told not to, since the binary would be left out
 * again.
 */
function npm(verb: 'install' | 'rebuild', where: string, what: string): string {
  return ['npm', verb, '--ignore-scripts=false', where, what].filter((word) => word !== '').join(' ');
}

/** The root of the package that contains a directory. */
function packageHome(here: string, exists: (path: string) => boolean): string | undefined {
  for (let at = here; ; at = dirname(at)) {
    if (exists(join(at, 'package.json'))) return at;
    if (at === dirname(at)) return undefined;
  }
}
