import { rmSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { inspectStore } from '../../../src/store/inspect-store.ts';
import { STORE_SCHEMA } from '../../../src/store/migrations.ts';
import { openStore } from '../../../src/store/sqlite-store.ts';
import { TASK_STATUSES } from '../../../src/domain/task.ts';
import { makeDraft } from '../../rig/arbitrary-tasks.ts';
import { describeEachDriver } from '../../rig/each-driver.ts';
import { buildStoreProgram, runTogether, startStoreProcess } from '../../rig/store-process.ts';
import { expectReplayable } from '../../rig/store-replay.ts';
import { ALL } from '../../rig/effort.ts';

let built: { folder: string; program: string };
beforeAll(() => {
  built = buildStoreProgram();
});
afterAll(() => {
  rmSync(built.folder, { recursive: true, force: true });
});

describeEachDriver('a store that several processes use', ({ driver, file }) => {
  const open = () => openStore({ file: file(), tag: 'master', create: true, driver });

  it('loses nothing when each of many processes sets the status of a task at the same moment', async () => {
    const before = open();
    const ids = Array.from({ length: ALL ? 20 : 6 }, (_, n) => String(n + 1));
    before.addTasks(
      ids.map((id) => makeDraft(id)),
      { source: 'test' },
    );
    before.close();

    const rounds = TASK_STATUSES.filter((status) => status !== 'pending').slice(0, ALL ? 5 : 2);
    for (const [round, status] of rounds.entries()) {
      await runTogether(
        built.program,
        ids.map((id) => [file(), driver, 'set-status', id, status]),
      );
      const store = open();
      expect(store.tasks().map((task) => task.status)).toEqual(ids.map(() => status));
      const changes = store.events().filter(({ type }) => type === 'status-changed');
      expect(changes).toHaveLength(ids.length * (round + 1));
      expectReplayable(store);
      store.close();
    }
  }, 600_000);

  it('is made and migrated once when several processes open it at the same moment', async () => {
    for (let round = 0; round < (ALL ? 3 : 1); round++) {
      await runTogether(
        built.program,
        Array.from({ length: ALL ? 10 : 5 }, () => [`${file()}-${round}`, driver, 'open']),
      );
      expect(inspectStore(`${file()}-${round}`, { driver })).toMatchObject({
        format: STORE_SCHEMA.migrations.length,
        problems: [],
      });
    }
  });

  it('gives every task an id of its own when several processes add at the same moment', async () => {
    const adding = ALL ? 10 : 4;
    const processes = await runTogether(
      built.program,
      Array.from({ length: adding }, () => [file(), driver, 'add', '5']),
    );
    const ids = processes.flatMap(({ lines }) => lines.flat() as string[]);
    const expected = Array.from({ length: 5 * adding }, (_, n) => String(n + 1));
    expect(new Set(ids)).toEqual(new Set(expected));
    const store = open();
    expect(store.tasks().map(({ id }) => id)).toEqual(expected);
    expectReplayable(store);
    store.close();
  });

  it('opens after each kill -9 in the middle of a stream of writes, with all that was told as stored', async () => {
    const rounds = ALL ? 6 : 2;
    const told: { taskId: string; attemptId: number }[] = [];
    for (let round = 1; round <= rounds; round++) {
      const writer = startStoreProcess(built.program, [file(), driver, 'stream', `run-${round}`]);
      await writer.ready;
      writer.go();
      await writer.printed(round * 3);
      writer.kill();
      const { signal, stderr } = await writer.ended;
      expect({ signal, stderr }).toEqual({ signal: 'SIGKILL', stderr: '' });
      told.push(...(writer.lines as typeof told));

      expect(inspectStore(file(), { driver }).problems).toEqual([]);
      const store = open();
      expectReplayable(store);
      expect(store.lastRun()).toMatchObject({ id: `run-${round}`, endedAt: null });
      for (const { taskId, attemptId } of told) {
        expect(store.task(taskId)?.status).toBe('done');
        expect(store.usage({ attemptId })).toHaveLength(1);
      }
      store.close();
    }
    expect(told.length).toBeGreaterThanOrEqual((3 * rounds * (rounds + 1)) / 2);
  });
});
