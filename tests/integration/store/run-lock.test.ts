import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Failed } from '../../../src/domain/failure.ts';
import { acquireRunLock, explainLockError, openRunLock } from '../../../src/store/run-lock.ts';
import type { Run } from '../../../src/store/store.ts';
import { describeEachDriver } from '../../rig/each-driver.ts';
import { buildStoreProgram, runTogether, startStoreProcess } from '../../rig/store-process.ts';
import { ALL } from '../../rig/effort.ts';

let built: { folder: string; program: string };
beforeAll(() => {
  built = buildStoreProgram('tests/rig/run-lock-program.ts');
});
afterAll(() => {
  rmSync(built.folder, { recursive: true, force: true });
});

const RUN: Run = {
  id: 'run-7',
  process: { pid: 4321, startTime: 'then' },
  workers: 2,
  billing: '',
  startedAt: '2026-01-02T03:04:05.000Z',
  endedAt: null,
  outcome: null,
  message: '',
};
const canHidePids =
  spawnSync('unshare', ['--pid', '--fork', '--mount-proc', '--kill-child', 'true']).status === 0;

const holder = 'process 77, since noon.';

describeEachDriver('the lock of a project', ({ driver, file }) => {
  const started: { kill: () => void; ended: Promise<unknown> }[] = [];
  afterEach(async () => {
    for (const { kill } of started) kill();
    await Promise.all(started.splice(0).map(({ ended }) => ended));
  });

  /** A process that has the lock, or was refused. */
  const contender = async (job = 'hold', before?: string) => {
    const child = startStoreProcess(built.program, [file(), driver, job], before);
    started.push(child);
    await child.ready;
    child.go();
    await child.printed(job === 'spawn' ? 2 : 1);
    return child;
  };
  const acquire = () => acquireRunLock(file(), { driver });
  const failureOf = (work: () => unknown) => {
    try {
      work();
    } catch (error) {
      if (error instanceof Failed) return error.failure;
      throw error;
    }
    throw new Error('It did not fail.');
  };

  it('is free again when it is released, and releasing it twice lets nobody else in', () => {
    const first = acquire();
    first?.release();
    const second = acquire();
    expect(second).toBeDefined();
    first?.release();
    expect(acquire()).toBeUndefined();
    second?.release();
    expect(readdirSync(dirname(file()))).toEqual(['tasks.db']);
    expect(readFileSync(file())).toHaveLength(0);
  });

  it('goes to one of eight processes that want it at the same moment, however often', async () => {
    for (let round = 0; round < (ALL ? 4 : 1); round++) {
      const all = Array.from({ length: 8 }, () => startStoreProcess(built.program, [file(), driver, 'hold']));
      started.push(...all);
      await Promise.all(all.map(({ ready }) => ready));
      for (const { go } of all) go();
      await Promise.all(all.map(({ printed }) => printed(1)));
      const told = all.map(({ lines }) => lines[0]);
      expect(told.filter((line) => line === 'held')).toHaveLength(1);
      expect(told.filter((line) => line === 'refused')).toHaveLength(7);
      for (const { kill } of all) kill();
      await Promise.all(all.map(({ ended }) => ended));
    }
  });

  it('is free the moment its holder is killed', async () => {
    const holder = await contender();
    expect(holder.lines).toEqual(['held']);
    expect(acquire()).toBeUndefined();
    holder.kill();
    await holder.ended;
    const taken = acquire();
    expect(taken).toBeDefined();
    taken?.release();
  });

  it('is not kept by what its killed holder has started', async () => {
    const holder = await contender('spawn');
    const child = Number(holder.lines[0]);
    try {
      expect(holder.lines[1]).toBe('held');
      holder.kill();
      await holder.ended;
      expect(() => process.kill(child, 0)).not.toThrow();
      const taken = acquire();
      expect(taken).toBeDefined();
      taken?.release();
    } finally {
      process.kill(child, 'SIGKILL');
    }
  });

  it('keeps no process from ending once it is released', async () => {
    const told = await runTogether(
      built.program,
      Array.from({ length: 3 }, () => [file(), driver, 'end']),
    );
    // Each of them ended with 0; one after the other may have had it.
    expect(told.map(({ lines }) => lines[0])).toContain('held');
  });

  it.skipIf(!canHidePids)(
    'is held by a process whose id cannot be seen from here, until it ends',
    async () => {
      const holder = await contender('hold', 'exec unshare --pid --fork --mount-proc --kill-child "$0" "$@"');
      expect(holder.lines).toEqual(['held']);
      expect(acquire()).toBeUndefined();
      holder.kill();
      await holder.ended;
      await expect.poll(() => acquire() !== undefined, { timeout: 30_000 }).toBe(true);
    },
  );

  it('names the run that holds it, and says what to do', async () => {
    await contender();
    const failure = failureOf(() => openRunLock(file(), () => RUN, { driver, holder }));
    expect(failure.reason).toBe('run-in-progress');
    expect(failure.message).toContain(
      'Run run-7 is in progress: process 4321, since 2026-01-02T03:04:05.000Z',
    );
    expect(failure.fix).toContain('kill -INT 4321');
    for (const run of [undefined, { ...RUN, endedAt: RUN.startedAt }]) {
      expect(failureOf(() => openRunLock(file(), () => run, { driver, holder })).message).not.toContain(
        '4321',
      );
    }
  });

  it('asks for no holder when it is free', () => {
    const lock = openRunLock(
      file(),
      () => {
        throw new Error('asked');
      },
      { driver, holder },
    );
    lock.release();
  });

  it('says what is in its place when that is no lock', () => {
    writeFileSync(
      file(),
      'somebody else wrote this, and it is long enough to be read as a header\n'.repeat(50),
    );
    expect(failureOf(acquire)).toMatchObject({
      reason: 'store-unusable',
      message: expect.stringContaining('is not the file that it should be') as string,
      fix: expect.stringContaining(file()) as string,
    });
    expect(readFileSync(file(), 'utf8')).toContain('somebody else');
    rmSync(file());
    mkdirSync(file());
    expect(failureOf(acquire)).toMatchObject({
      reason: 'store-unusable',
      message: expect.stringContaining('cannot be opened') as string,
    });
  });
});

describe('a lock that the file system refuses', () => {
  const explained = (code: string) => {
    const error = explainLockError(Object.assign(new Error('no locks here'), { code }), '/net/run.lock');
    return error instanceof Failed ? error.failure : undefined;
  };

  it.for(['SQLITE_IOERR_LOCK', 'SQLITE_IOERR_RDLOCK', 'SQLITE_PROTOCOL', 'SQLITE_NOLFS'])(
    'is told as that: %s',
    (code) => {
      expect(explained(code)).toMatchObject({
        reason: 'store-unusable',
        message: expect.stringContaining('does not support locks') as string,
        fix: expect.stringContaining('local disk') as string,
      });
    },
  );

  it('is not mistaken for another error', () => {
    const bug = new TypeError('x is not a function');
    expect(explainLockError(bug, '/run.lock')).toBe(bug);
  });
});
