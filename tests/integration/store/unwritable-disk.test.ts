import { copyFileSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Failed } from '../../../src/domain/failure.ts';
import { acquireRunLock } from '../../../src/store/run-lock.ts';
import { openStore } from '../../../src/store/sqlite-store.ts';
import { makeDraft } from '../../rig/arbitrary-tasks.ts';
import { describeEachDriver } from '../../rig/each-driver.ts';
import { smallDisk, type SmallDisk } from '../../rig/small-disk.ts';

/** Where the machine lets nobody mount anything, there is nothing to try. */
const canMount = (() => {
  const disk = smallDisk(1);
  disk?.remove();
  return disk !== undefined;
})();

describeEachDriver('a store on a disk that cannot be written to', ({ driver, file }) => {
  let disk: SmallDisk | undefined;
  beforeEach(() => {
    disk = canMount ? smallDisk(2) : undefined;
  });
  afterEach(() => disk?.remove());
  const open = (path: string) => openStore({ file: path, tag: 'master', create: true, driver });
  const failureOf = (work: () => unknown) => {
    try {
      work();
    } catch (error) {
      if (error instanceof Failed) return error.failure;
    }
    throw new Error('It did not fail as it should.');
  };
  const expectReadable = (path: string, cause: RegExp) => {
    const store = open(path);
    expect(store.tasks().map(({ id }) => id)).toEqual(['1', '2']);
    expect(store.events()).toHaveLength(2);
    const failure = failureOf(() => store.setStatus(['1'], 'done', 'test'));
    expect(failure).toMatchObject({
      reason: 'store-unusable',
      message: expect.stringMatching(cause) as string,
      fix: expect.any(String) as string,
    });
    expect(store.task('1')?.status).toBe('pending');
    store.close();
  };
  /** With a log beside it that was never taken in, as a killed process leaves it. */
  const make = (path: string) => {
    const store = open(file());
    store.addTasks([makeDraft('1')], { source: 'test' });
    store.addTasks([makeDraft('2')], { source: 'test' });
    for (const suffix of ['', '-wal']) copyFileSync(file() + suffix, path + suffix);
    store.close();
  };

  it.skipIf(!canMount)('can be read where the disk is full, and says so where it is written to', () => {
    const path = join(disk?.directory ?? '', 'tasks.db');
    make(path);
    disk?.fill();
    expectReadable(path, /its disk is full; nothing of this change was stored/);
    disk?.free();
    const store = open(path);
    expect(store.setStatus(['1'], 'done', 'test')).toMatchObject([{ status: 'done' }]);
    store.close();
  });

  it.skipIf(!canMount)('can be read where it is mounted read-only', () => {
    const path = join(disk?.directory ?? '', 'tasks.db');
    make(path);
    disk?.seal();
    expectReadable(path, /mounted read-only; nothing of this change was stored/);
    expect(readdirSync(disk?.directory ?? '').sort()).toEqual(['tasks.db', 'tasks.db-wal']);
    const lock = failureOf(() => acquireRunLock(`${path}-run-lock`, { driver }));
    expect(lock.message).toMatch(/mounted read-only.*Nothing was started/);
  });

  it.skipIf(!canMount)('says why none can be made there', () => {
    const folder = join(disk?.directory ?? '', 'project');
    mkdirSync(folder);
    disk?.seal();
    const path = join(folder, 'tasks.db');
    expect(failureOf(() => open(path)).message).toMatch(/mounted read-only/);
    expect(existsSync(path)).toBe(false);
  });
});
