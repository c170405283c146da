import { rmSync } from 'node:fs';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { openStore } from '../../../src/store/sqlite-store.ts';
import { describeEachDriver } from '../../rig/each-driver.ts';
import { StoreModel } from '../../rig/store-model.ts';
import { expectReplayable } from '../../rig/store-replay.ts';
import { arbitraryStep } from '../../rig/store-steps.ts';
import { cases } from '../../rig/effort.ts';

describeEachDriver('any sequence of changes', ({ driver, file }) => {
  it('leaves the store as a simple model of it says, each change with its one event', () => {
    fc.assert(
      fc.property(fc.array(arbitraryStep, { maxLength: 50, size: 'max' }), (steps) => {
        for (const suffix of ['', '-wal', '-shm']) rmSync(`${file()}${suffix}`, { force: true });
        const store = openStore({ file: file(), tag: 'master', create: true, driver });
        try {
          const run = { id: 'run', process: { pid: 1, startTime: '' }, workers: 1, billing: '', tasks: 0 };
          store.startRun(run, () => false);
          const model = new StoreModel();
          for (const step of steps) {
            const said = model.step(step, store);
            expect(said.store, JSON.stringify(step)).toBe(said.model);
            const stored = store.tasks();
            const seen = stored.map(({ id, title, status, dependencies }) => ({
              id,
              title,
              status,
              dependencies,
            }));
            expect(seen, JSON.stringify(step)).toEqual(model.snapshot());
            expect(stored.map(({ id }) => store.task(id))).toEqual(stored);
          }
          expectReplayable(store);
          expect(store.attempts({ running: true }).map(({ id }) => id)).toEqual([...model.running.keys()]);
        } finally {
          store.close();
        }
      }),
      { numRuns: cases(200) },
    );
  });
});
