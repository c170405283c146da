import { afterEach, beforeEach, expect, it } from 'vitest';
import { openStore } from '../../../src/store/sqlite-store.ts';
import type { TaskStore } from '../../../src/store/store.ts';
import { costing } from '../../rig/attempt-end.ts';
import { describeEachDriver } from '../../rig/each-driver.ts';

const PROCESS = { pid: 7, startTime: 'boot-7' };
const [BOUND = expect.fail('No cost.')] = costing(0.5);
const alive = () => true;
const dead = () => false;

describeEachDriver('calls of the manager without an outcome', ({ driver, file }) => {
  let store: TaskStore;
  const open = () => openStore({ file: file(), tag: 'master', create: true, driver });
  const spent = () => store.usage().map(({ role, runId, costUsd }) => ({ role, runId, costUsd }));
  const intend = (runId: string | null) =>
    store.calls.intend({ purpose: 'review', runId, process: PROCESS, bound: BOUND });
  const called = (callId: number) =>
    store.record({
      type: 'manager-called',
      purpose: 'review',
      runId: 'run-1',
      callId,
      usage: costing(0.1),
      durationMs: 5,
    });

  beforeEach(() => {
    store = open();
    store.startRun({ id: 'run-1', process: PROCESS, workers: 1, billing: 'API key', tasks: 0 }, dead);
  });
  afterEach(() => store.close());

  it('books a call whose process was killed before its outcome, once, and budgets count it', () => {
    intend('run-1');
    intend(null);
    store.close();
    store = open();
    expect(store.calls.bookCutOff(alive)).toEqual([]);
    expect(store.calls.underWay()).toBe(2);
    expect(spent()).toEqual([]);

    expect(store.calls.bookCutOff(dead)).toMatchObject([
      { type: 'manager-cut-off', purpose: 'review', runId: 'run-1', usage: [BOUND] },
      { type: 'manager-cut-off', purpose: 'review', runId: null, usage: [BOUND] },
    ]);
    expect(store.calls.bookCutOff(dead)).toEqual([]);
    expect(store.calls.underWay()).toBe(0);
    expect(spent()).toEqual([
      { role: 'manager', runId: 'run-1', costUsd: 0.5 },
      { role: 'manager', runId: null, costUsd: 0.5 },
    ]);
    expect(store.unfinishedSpending()).toBe(0.5);
    expect(store.calls.cutOff()).toEqual({ calls: 1, costUsd: 0.5 });
  });

  it('books only what was really used where the outcome came', () => {
    const [settled, late] = [intend('run-1'), intend('run-1')];
    called(settled);
    expect(store.calls.underWay()).toBe(1);
    store.calls.bookCutOff(dead);
    expect(store.unfinishedSpending()).toBeCloseTo(0.6);
    // It was taken for dead, and was not.
    called(late);
    expect(store.unfinishedSpending()).toBeCloseTo(0.2);
    expect(store.calls.cutOff()).toEqual({ calls: 0, costUsd: 0 });
    expect(spent()).toHaveLength(2);
  });
});
