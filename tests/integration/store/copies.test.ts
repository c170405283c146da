import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { openStore } from '../../../src/store/sqlite-store.ts';
import { restoreCopy, listCopies, readCopy } from '../../../src/store/store-copies.ts';
import { makeDraft } from '../../rig/arbitrary-tasks.ts';
import { describeEachDriver } from '../../rig/each-driver.ts';

describeEachDriver('copies of a store', ({ driver, file }) => {
  const folder = () => join(dirname(file()), 'data', 'copies');
  const start = Date.UTC(2026, 0, 1);
  let moment = start;
  const failures: string[] = [];
  const open = (path = file()) => {
    failures.length = 0;
    return openStore({
      file: path,
      tag: 'master',
      create: true,
      driver,
      clock: () => (moment += 1000),
      copies: { folder, failed: (message) => failures.push(message) },
    });
  };
  const add = (...ids: string[]) => {
    const store = open();
    for (const id of ids) store.addTasks([makeDraft(id)], { source: 'test' });
    store.close();
  };
  const counts = () => listCopies(folder()).map((copy) => readCopy(copy.file, { driver })?.tasks);

  it('are made when tasks were added, whole and for their owner alone', () => {
    add('1', '2');
    const [copy, ...others] = listCopies(folder());
    expect(others).toEqual([]);
    expect(copy).toMatchObject({ lastEvent: 2 });
    expect(readCopy(copy?.file ?? '', { driver })).toEqual({ tasks: 2, done: 0, attempts: 0, openRun: null });
    expect(statSync(copy?.file ?? '').mode & 0o777).toBe(0o600);
    expect(statSync(folder()).mode & 0o777).toBe(0o700);
  });

  it('are not made where nothing was added, nor twice of the same', () => {
    open().close();
    expect(listCopies(folder())).toEqual([]);
    add('1');
    add();
    const store = open();
    expect(store.tasks()).toHaveLength(1);
    store.close();
    expect(counts()).toEqual([1]);
  });

  it('are a few, the newest ones; those of another store that was there before stay', () => {
    for (let id = 1; id <= 6; id++) add(String(id));
    expect(counts()).toEqual([6, 5, 4, 3]);
    for (const suffix of ['', '-wal', '-shm']) rmSync(file() + suffix, { force: true });
    for (let id = 1; id <= 6; id++) add(String(id));
    expect(counts()).toEqual([6, 5, 4, 3, 6, 5, 4, 3]);
  });

  it('fail without failing anything, and say so once', () => {
    mkdirSync(dirname(folder()));
    writeFileSync(folder(), 'in the way');
    add('1', '2');
    expect(failures).toHaveLength(1);
    expect(failures[0]).toMatch(/copy of the task list.*The list itself is stored/);
    expect(readCopy(file(), { driver })?.tasks).toBe(2);
  });

  // Where it takes no directories, making all of a path at once would never end.
  it.runIf(existsSync('/proc/self'))('fail at once where nothing can be made', () => {
    const failed: string[] = [];
    const copies = {
      folder: () => '/proc/nowhere/copies',
      failed: (message: string) => failed.push(message),
    };
    const store = openStore({ file: file(), tag: 'master', create: true, driver, copies });
    store.addTasks([makeDraft('1')], { source: 'test' });
    store.close();
    expect(failed).toHaveLength(1);
  });

  it('are brought back, and never over what is there without being told', () => {
    add('1', '2');
    add('3');
    const [newest, older] = listCopies(folder());
    if (newest === undefined || older === undefined) throw new Error('There are two copies.');
    const now = '2026-02-01T00:00:00.000Z';
    expect(() => restoreCopy(older, file(), now, false)).toThrow('EEXIST');
    expect(readCopy(file(), { driver })?.tasks).toBe(3);
    const aside = restoreCopy(older, file(), now, true);
    expect(readCopy(aside ?? '', { driver })?.tasks).toBe(3);
    const store = open();
    expect(store.tasks()).toHaveLength(2);
    store.close();
  });

  it('are not mixed with the log of a store whose file is gone', () => {
    const store = open();
    store.addTasks([makeDraft('1')], { source: 'test' });
    const log = readFileSync(`${file()}-wal`);
    store.close();
    writeFileSync(`${file()}-wal`, log);
    rmSync(file());
    const [copy] = listCopies(folder());
    if (copy === undefined) throw new Error('There is a copy.');
    const aside = restoreCopy(copy, file(), '2026-02-01T00:00:00.000Z', false);
    expect(existsSync(`${aside ?? ''}-wal`)).toBe(true);
    const back = open();
    expect(back.tasks()).toHaveLength(1);
    back.close();
  });

  it('of a run tell whose it is, and hold all of it once it has ended', () => {
    add('1');
    const store = open();
    const self = { pid: 123, startTime: '456' };
    store.startRun({ id: 'run', process: self, workers: 1, billing: '', tasks: 1 }, () => false);
    store.addTasks([makeDraft('2')], { source: 'review' });
    store.close();
    const newest = () => readCopy(listCopies(folder())[0]?.file ?? '', { driver });
    expect(newest()?.openRun).toMatchObject({ id: 'run', ...self });
    const again = open();
    again.endRun('run', 'completed', '');
    again.close();
    expect(newest()).toMatchObject({ tasks: 2, openRun: null });
  });
});
