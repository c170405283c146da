import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LearnedCosts } from '../../../src/domain/estimate.ts';
import type { Stamped } from '../../../src/domain/event.ts';
import { orchestrate } from '../../../src/engine/orchestrator.ts';
import { openStore } from '../../../src/store/sqlite-store.ts';
import { makeDraft } from '../../rig/arbitrary-tasks.ts';
import { MemoryLedger } from '../../rig/memory-ledger.ts';
import { openBudget, quietOptions, quietParts } from '../../rig/run-parts.ts';
import { PaidWorld } from '../../rig/paid-world.ts';
import { liveUntil, stopTheClock } from '../../rig/virtual-time.ts';

/** A task of so many calls, each for ten cents, with these dependencies. */
interface Job {
  readonly calls: number;
  readonly needs: readonly number[];
}

const CALL_USD = 0.1;

describe('a run with a ceiling', () => {
  let folder: string;
  let number = 0;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'budget-parallel-'));
  });

  afterEach(() => {
    vi.useRealTimers();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Plays a whole run. Returns how long it took and what it reported. */
  const live = async (
    jobs: readonly Job[],
    workers: number,
    maxCostUsd: number | null,
  ): Promise<{ tookMs: number; outcome: string; events: Stamped[]; most: number }> => {
    stopTheClock('2026-11-22T22:00:00Z');
    const store = openStore({ file: join(folder, `${++number}.db`), tag: 'master', create: true });
    store.addTasks(
      jobs.map(({ needs }, index) => makeDraft(String(index + 1), { dependencies: needs.map(String) })),
      { source: 'test' },
    );
    const world = new PaidWorld(({ taskId }) => ({
      callsUsd: Array.from({ length: jobs[Number(taskId) - 1]?.calls ?? 1 }, () => CALL_USD),
      callMs: 60_000,
      reviewUsd: 0,
    }));
    const budget = openBudget({ slots: workers, maxCostUsd });
    const costs = new LearnedCosts([], 'sonnet');
    const events: Stamped[] = [];
    const start = Date.now();
    let outcome: string | undefined;
    void orchestrate(
      {
        ...quietParts(folder),
        store,
        worker: world.worker(budget),
        reporter: { report: (event) => void events.push(event), close: () => Promise.resolve() },
        estimateCost: costs.estimate,
        learnCost: costs.learn,
        budget,
        ledger: new MemoryLedger(Date.now),
      },
      { ...quietOptions(folder), workers, warnAtPercent: 100, pollMs: 5000 },
      new AbortController().signal,
    ).then(
      (result) => (outcome = result.outcome),
      (error: unknown) => (outcome = String(error)),
    );
    await liveUntil(() => outcome !== undefined);
    const tookMs = Date.now() - start;
    store.close();
    let running = 0;
    let most = 0;
    for (const { type } of events) {
      if (type === 'attempt-started') most = Math.max(most, ++running);
      if (type === 'attempt-ended') running--;
    }
    return { tookMs, outcome: outcome ?? '', events, most };
  };

  it('keeps all of its workers at work', async () => {
    const jobs = Array.from({ length: 9 }, () => ({ calls: 4, needs: [] }));
    const { most, outcome, events } = await live(jobs, 3, 5);
    expect({ most, outcome }).toEqual({ most: 3, outcome: 'completed' });
    expect(events.filter(({ type }) => type === 'budget-wait')).toEqual([]);
  });

  it('takes as long as one without, where there is money enough', async () => {
    const graph = fc
      .array(
        fc.record({ calls: fc.integer({ min: 1, max: 12 }), picks: fc.array(fc.nat(), { maxLength: 2 }) }),
        {
          minLength: 4,
          maxLength: 16,
        },
      )
      .map((drawn) =>
        drawn.map(({ calls, picks }, index) => ({
          calls,
          needs: index === 0 ? [] : [...new Set(picks.map((pick) => 1 + (pick % index)))],
        })),
      );
    await fc.assert(
      fc.asyncProperty(graph, fc.integer({ min: 2, max: 5 }), async (jobs, workers) => {
        const costUsd = jobs.reduce((sum, { calls }) => sum + calls * CALL_USD, 0);
        const free = await live(jobs, workers, null);
        const bound = await live(jobs, workers, 1.5 * costUsd + workers);
        expect(bound.outcome).toBe('completed');
        expect(bound.tookMs).toBeLessThanOrEqual(1.05 * free.tookMs);
      }),
      { numRuns: 8, endOnFailure: true },
    );
  });

  it('says when workers idle because money is missing, and when that ends', async () => {
    const jobs = Array.from({ length: 4 }, () => ({ calls: 5, needs: [] }));
    const { outcome, events } = await live(jobs, 4, 2.1);
    expect(outcome).toBe('completed');
    const told = events.flatMap((event) => (event.type === 'budget-wait' ? [event] : []));
    expect(told[0]).toMatchObject({ waiting: 2, heldUsd: expect.closeTo(1.6, 5) as number });
    expect(told.at(-1)).toMatchObject({ waiting: 0 });
  });
});
