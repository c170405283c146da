import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { ModelUsage } from '../../../src/domain/attempt.ts';
import { Budget } from '../../../src/engine/budget.ts';
import type { RunResult } from '../../../src/engine/run.ts';
import { orchestrate } from '../../../src/engine/orchestrator.ts';
import { openStore } from '../../../src/store/sqlite-store.ts';
import { makeDraft } from '../../rig/arbitrary-tasks.ts';
import { costing } from '../../rig/attempt-end.ts';
import { MemoryLedger } from '../../rig/memory-ledger.ts';
import { PaidWorld } from '../../rig/paid-world.ts';
import { liveUntil, stopTheClock } from '../../rig/virtual-time.ts';
import { quietOptions, quietParts } from '../../rig/run-parts.ts';
import { cases } from '../../rig/effort.ts';

const usd = (max: number): fc.Arbitrary<number> => fc.double({ min: 0.001, max, noNaN: true });

const scenario = fc.record({
  maxCostUsd: fc.double({ min: 0.02, max: 10, noNaN: true }),
  workers: fc.integer({ min: 1, max: 5 }),
  expectedUsd: usd(2),
  /** The work of each task's attempts in turn; the last one is repeated. */
  tasks: fc.array(
    fc.record({ callsUsd: fc.array(usd(0.6), { minLength: 1, maxLength: 8 }), reviewUsd: usd(0.3) }),
    { minLength: 1, maxLength: 8 },
  ),
  /** The seconds after which one orchestrator after the other is killed; the last one lives. */
  livesSeconds: fc.array(fc.integer({ min: 1, max: 90 }), { maxLength: 4 }),
});

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'budget-law-'));
  stopTheClock('2026-11-22T22:00:00Z');
});

afterEach(() => {
  vi.useRealTimers();
  rmSync(folder, { recursive: true, force: true });
});

it('never costs more than the budget and one call for each running worker, however often it is killed', async () => {
  let number = 0;
  let killed = 0;
  await fc.assert(
    fc.asyncProperty(scenario, async ({ maxCostUsd, workers, expectedUsd, tasks, livesSeconds }) => {
      const file = join(folder, `${++number}.db`);
      const world = new PaidWorld(({ taskId }) => {
        const { callsUsd, reviewUsd } = tasks[Number(taskId) - 1] ?? { callsUsd: [], reviewUsd: 0 };
        return { callsUsd, reviewUsd, callMs: 10_000 };
      });
      const first = openStore({ file, tag: 'master', create: true });
      first.addTasks(
        tasks.map((_, index) => makeDraft(String(index + 1))),
        { source: 'test' },
      );
      first.close();

      let result: RunResult | undefined;
      for (const [life, seconds] of [...livesSeconds, Infinity].entries()) {
        const store = openStore({ file, tag: 'master', create: false });
        const runId = `run-${life}`;
        store.calls.bookCutOff(({ pid }) => pid === life);
        const budget = new Budget({
          maxCostUsd,
          maxCostPerTaskUsd: null,
          slots: workers,
          carriedUsd: store.unfinishedSpending(),
          reviews: true,
        });
        // The cost of the manager is stored with each call; here, it is stored when the budget hears of it.
        const told = budget.chargeManager.bind(budget);
        const calls = new Map<number, number[]>();
        const intend = (costUsd: number): void => {
          const [bound] = costing(costUsd);
          if (bound === undefined) return;
          const process = { pid: life, startTime: '' };
          const call = store.calls.intend({ purpose: 'review', runId, process, bound });
          calls.set(costUsd, [...(calls.get(costUsd) ?? []), call]);
        };
        budget.chargeManager = (costUsd) => {
          told(costUsd);
          const usage: ModelUsage[] = [...costing(costUsd)];
          store.record({
            type: 'manager-called',
            purpose: 'review',
            runId,
            usage,
            durationMs: 1,
            ...callOf(calls, costUsd),
          });
        };
        const killAt = Date.now() + seconds * 1000;
        let isOver = false;
        const run = orchestrate(
          {
            ...quietParts(folder),
            store,
            worker: world.worker(budget, intend),
            estimateCost: () => expectedUsd,
            budget,
            ledger: new MemoryLedger(Date.now),
          },
          { ...quietOptions(folder, runId), workers, maxRetries: 2, warnAtPercent: 100, pollMs: 5000 },
          new AbortController().signal,
        ).then(
          (ended) => (result = ended),
          () => undefined,
        );
        void run.finally(() => (isOver = true));
        await liveUntil(() => isOver || Date.now() >= killAt);
        if (Date.now() >= killAt) killed++;
        world.kill();
        store.close();
        // The dead orchestrator ends when it next reads the store.
        await liveUntil(() => isOver);
        if (result !== undefined) break;
      }
      const call = Math.max(...tasks.flatMap(({ callsUsd, reviewUsd }) => [...callsUsd, reviewUsd]));
      expect(result).toBeDefined();
      expect(world.spentUsd).toBeLessThanOrEqual(maxCostUsd + workers * call + 1e-9);
      // While there is money, every task is done.
      if (result?.outcome === 'over-budget')
        expect(world.spentUsd + workers * call).toBeGreaterThan(maxCostUsd - workers * (call + 0.05));
    }),
    { numRuns: cases(200), endOnFailure: true },
  );
  expect(killed).toBeGreaterThan(50);
}, 240_000);

function callOf(calls: Map<number, number[]>, costUsd: number): { callId?: number } {
  const callId = calls.get(costUsd)?.shift();
  return callId === undefined ? {} : { callId };
}
