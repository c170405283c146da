import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Database } from '../../../src/store/database.ts';
import { type DriverName, openDriver } from '../../../src/store/driver.ts';
import { describeEachDriver } from '../../rig/each-driver.ts';
import { buildStoreProgram, startStoreProcess } from '../../rig/store-process.ts';

/** What the loader meets in an installation: Node's own SQLite is there or not, whatever is done to the package. */
const hasNodeSqlite = (() => {
  try {
    openDriver(':memory:', { driver: 'node:sqlite' }).close();
    return true;
  } catch {
    return false;
  }
})();

describe('choosing a driver', () => {
  let built: { folder: string; program: string };
  let folder: string;
  beforeAll(() => {
    built = buildStoreProgram();
  });
  afterAll(() => {
    rmSync(built.folder, { recursive: true, force: true });
  });
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'driver-'));
    mkdirSync(join(folder, 'node_modules'));
    cpSync(built.program, join(folder, 'program.mjs'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  const fill = async (driver = 'any') => {
    const child = startStoreProcess(join(folder, 'program.mjs'), [
      join(folder, 'tasks.db'),
      driver,
      'add',
      '1',
    ]);
    await child.ready;
    child.go();
    return { ...(await child.ended), lines: child.lines };
  };
  /** Node itself may warn that its SQLite is experimental, which only the command line hides. */
  const expectFallback = async (problem: RegExp) => {
    const { code, stderr, lines } = await fill();
    if (hasNodeSqlite) {
      expect({ code, lines }).toEqual({ code: 0, lines: [['1']] });
    } else {
      expect(code).not.toBe(0);
      expect(stderr).toMatch(problem);
      expect(stderr).toContain('Node.js 22.13');
    }
  };

  it('falls back where better-sqlite3 is not installed', async () => {
    await expectFallback(/Cannot find module 'better-sqlite3'/);
  });

  it('falls back where its binary was never built, as without install scripts', async () => {
    for (const name of ['bindings', 'file-uri-to-path']) {
      symlinkSync(resolve('node_modules', name), join(folder, 'node_modules', name));
    }
    cpSync('node_modules/better-sqlite3', join(folder, 'node_modules/better-sqlite3'), {
      recursive: true,
      filter: (source) => !/better-sqlite3\/(build|deps|src)$/.test(source),
    });
    await expectFallback(/Could not locate the bindings file/);
  });

  it('falls back where its binary is none for this Node', async () => {
    cpSync('node_modules/better-sqlite3/lib', join(folder, 'node_modules/better-sqlite3/lib'), {
      recursive: true,
    });
    cpSync(
      'node_modules/better-sqlite3/package.json',
      join(folder, 'node_modules/better-sqlite3/package.json'),
    );
    mkdirSync(join(folder, 'node_modules/bindings'));
    writeFileSync(
      join(folder, 'node_modules/bindings/index.js'),
      `module.exports = () => process.dlopen({ exports: {} }, ${JSON.stringify(join(folder, 'no.node'))});`,
    );
    writeFileSync(join(folder, 'no.node'), 'compiled for something else');
    await expectFallback(/no\.node/);
  });
});

describeEachDriver('a driver', ({ driver, file }) => {
  it('is the one that was asked for, and answers like the other', () => {
    const open = openDriver(file(), { driver });
    expect(open.name).toBe<DriverName>(driver);
    open.exec('CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT)');
    expect(open.prepare('INSERT INTO t (b) VALUES (?)').run('x')).toEqual({ changes: 1, lastInsertRowid: 1 });
    expect({ ...open.prepare<{ a: number; b: string }>('SELECT * FROM t').get() }).toEqual({ a: 1, b: 'x' });
    expect(open.prepare('SELECT * FROM t WHERE a = ?').get(2)).toBeUndefined();
    expect(open.prepareTable('SELECT b, a, NULL FROM t').all()).toEqual([['x', 1, null]]);
    open.close();
  });
});

describeEachDriver('a transaction', ({ driver, file }) => {
  it('that fails half-way stores nothing, and the next one is whole', () => {
    const schema = { name: 'test', applicationId: 7, migrations: ['CREATE TABLE words (word TEXT)'] };
    const db = new Database(file(), schema, { driver });
    const add = (word: string) => db.sql('INSERT INTO words VALUES (?)').run(word);
    expect(() =>
      db.write(() => {
        add('half');
        throw new Error('stop');
      }),
    ).toThrow('stop');
    db.write(() => add('whole'));
    expect(db.sql('SELECT word FROM words').all()).toEqual([{ word: 'whole' }]);
    db.close();
  });
});
