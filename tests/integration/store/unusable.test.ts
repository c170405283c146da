import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Failed, type FailureReason } from '../../../src/domain/failure.ts';
import { openDriver } from '../../../src/store/driver.ts';
import { inspectStore } from '../../../src/store/inspect-store.ts';
import { STORE_SCHEMA } from '../../../src/store/migrations.ts';
import { openStore } from '../../../src/store/sqlite-store.ts';
import { makeDraft } from '../../rig/arbitrary-tasks.ts';
import { describeEachDriver } from '../../rig/each-driver.ts';
import { buildStoreProgram, startStoreProcess } from '../../rig/store-process.ts';

let built: { folder: string; program: string };
beforeAll(() => {
  built = buildStoreProgram();
});
afterAll(() => {
  rmSync(built.folder, { recursive: true, force: true });
});

describeEachDriver('a store that cannot be used', ({ driver, file }) => {
  const open = (path = file(), create = true) => openStore({ file: path, tag: 'master', create, driver });
  const make = (count: number) => {
    const store = open();
    store.addTasks(
      Array.from({ length: count }, (_, n) => makeDraft(String(n + 1), { details: 'x'.repeat(2000) })),
      { source: 'test' },
    );
    store.close();
  };
  const alter = (sql: string) => {
    const raw = openDriver(file(), { driver });
    raw.exec(sql);
    raw.close();
  };
  const failure = (reason: FailureReason, message: RegExp, work: () => unknown) => {
    let failed: unknown;
    try {
      work();
    } catch (error) {
      failed = error;
    }
    expect(failed).toBeInstanceOf(Failed);
    const { failure: is } = failed as Failed;
    expect(is).toMatchObject({ reason, message: expect.stringMatching(message) as string });
    expect(is.message).toContain(dirname(file()));
    expect(is.fix).toBeTruthy();
  };
  const mounted = (options: string): string | undefined => {
    const folder = join(dirname(file()), 'mounted');
    mkdirSync(folder);
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder], { stdio: 'ignore' });
      return folder;
    } catch {
      return undefined;
    }
  };

  it('is no project where there is no file, and nothing is made', () => {
    failure('no-project', /no task store/, () => open(file(), false));
    expect(readdirSync(dirname(file()))).toEqual([]);
  });

  it('says that its directory is missing', () => {
    failure('store-unusable', /does not exist/, () => open(join(dirname(file()), 'no', 'tasks.db')));
  });

  it('says that it is a directory', () => {
    mkdirSync(file());
    failure('store-unusable', /cannot be opened/, () => open());
  });

  it('says that it is no database, and leaves it alone', () => {
    writeFileSync(file(), 'once upon a time '.repeat(1000));
    const before = readFileSync(file());
    failure('store-unusable', /not a SQLite database/, () => open(file(), false));
    expect(readFileSync(file())).toEqual(before);
    expect(readdirSync(dirname(file()))).toEqual(['tasks.db']);
  });

  it('says that it is damaged where pages are missing or overwritten', () => {
    make(200);
    truncateSync(file(), 20_000);
    failure('store-unusable', /damaged/, () => {
      const store = open();
      try {
        store.tasks();
      } finally {
        store.close();
      }
    });
    rmSync(file());
    make(200);
    const bytes = readFileSync(file());
    bytes.fill(0xa5, 8192, bytes.length - 4096);
    writeFileSync(file(), bytes);
    failure('store-unusable', /damaged/, () => {
      const problems = inspectStore(file(), { driver }).problems;
      expect(problems).not.toEqual([]);
      const store = open();
      try {
        store.addTasks([makeDraft('500')], { source: 'test' });
        store.tasks();
      } finally {
        store.close();
      }
    });
  });

  it('refuses a newer one, and touches none of its bytes', () => {
    make(3);
    alter('PRAGMA user_version = 99');
    const before = readFileSync(file());
    failure('store-unusable', /newer claude-orchestrator.*not touched/, () => open());
    expect(readFileSync(file())).toEqual(before);
    expect(readdirSync(dirname(file()))).toEqual(['tasks.db']);
  });

  it("refuses another program's database, and touches none of its bytes", () => {
    alter('CREATE TABLE tasks (a)');
    for (const version of [0, 1, 99]) {
      alter(`PRAGMA user_version = ${version}`);
      const before = readFileSync(file());
      failure('store-unusable', /another program|newer/, () => open());
      expect(readFileSync(file())).toEqual(before);
    }
  });

  it('reports what integrity checks find', () => {
    make(3);
    expect(inspectStore(file(), { driver })).toEqual({
      driver,
      format: STORE_SCHEMA.migrations.length,
      problems: [],
    });
    alter(`PRAGMA foreign_keys = OFF; INSERT INTO dependencies VALUES ('master', 77, 0, 1, 0)`);
    expect(inspectStore(file(), { driver }).problems).toMatchObject([/dependencies/]);
  });

  it('refuses to change what has happened', () => {
    make(1);
    for (const sql of ['UPDATE events SET at = 1', 'DELETE FROM events', 'DELETE FROM event_tasks']) {
      expect(() => alter(sql)).toThrow('append-only');
    }
  });

  it('says that it is read-only, and can still be read', (context) => {
    make(1);
    const isRoot = process.getuid?.() === 0;
    try {
      if (isRoot) execFileSync('chattr', ['+i', file()], { stdio: 'ignore' });
      else chmodSync(file(), 0o444);
    } catch {
      context.skip('root, on a file system without the immutable attribute');
    }
    try {
      const store = open();
      expect(store.tasks()).toHaveLength(1);
      failure('store-unusable', /read-only/, () => store.setStatus(['1'], 'done', 'test'));
      expect(store.task('1')?.status).toBe('pending');
      store.close();
    } finally {
      if (isRoot) execFileSync('chattr', ['-i', file()]);
      else chmodSync(file(), 0o644);
    }
  });

  it('says that it is locked, when another process does not let go', () => {
    make(1);
    const holder = openDriver(file(), { driver });
    holder.exec('BEGIN IMMEDIATE');
    const store = open();
    failure('store-unusable', /locked/, () => store.setStatus(['1'], 'done', 'test'));
    holder.exec('ROLLBACK');
    holder.close();
    expect(store.setStatus(['1'], 'done', 'test')).toMatchObject([{ status: 'done' }]);
    store.close();
  });

  it('says that the disk is full, and has stored nothing by halves', async (context) => {
    const folder = mounted('size=1m');
    if (folder === undefined) {
      context.skip('may not mount a small disk here');
      return;
    }
    try {
      await expectFills(join(folder, 'tasks.db'), ':', /disk is full/);
    } finally {
      execFileSync('umount', [folder]);
    }
  });

  it('says that writing failed, where files may not grow any more', async () => {
    await expectFills(file(), "trap '' XFSZ; ulimit -f 600", /cannot be read or written|disk is full/);
  });

  const expectFills = async (path: string, limit: string, message: RegExp) => {
    open(path).close();
    const filler = startStoreProcess(built.program, [path, driver, 'fill'], limit);
    await filler.ready;
    filler.go();
    expect(await filler.ended).toEqual({ code: 0, signal: null, stderr: '' });
    const stored = filler.lines.slice(0, -1);
    expect(filler.lines.at(-1)).toMatchObject({
      reason: 'store-unusable',
      message: expect.stringMatching(message) as string,
      fix: expect.any(String) as string,
    });
    const store = open(path);
    expect(store.tasks()).toHaveLength(stored.length);
    expect(store.events()).toHaveLength(stored.length);
    store.close();
    expect(stored.length).toBeGreaterThan(3);
    expect(inspectStore(path, { driver }).problems).toEqual([]);
  };
});
