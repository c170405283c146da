import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LearnedCosts } from '../src/domain/estimate.ts';
import { orchestrate } from '../src/engine/orchestrator.ts';
import { openStore } from '../src/store/sqlite-store.ts';
import { attemptEnd, costing } from '../tests/rig/attempt-end.ts';
import { MemoryLedger } from '../tests/rig/memory-ledger.ts';
import { openBudget, quietOptions, quietParts } from '../tests/rig/run-parts.ts';
import { manyDrafts } from './many-tasks.ts';
import { compare } from './measure.ts';

// Sixty tasks of 60 ms in a graph, eight at a time: what a ceiling of twice their price costs in time.
const TASKS = 60;
const SLOTS = 8;
const TASK_MS = 60;
const TASK_USD = 0.2;
const floor = 'without a ceiling';

await compare(
  [
    { name: floor, run: () => timeRun(null) },
    { name: 'under a ceiling', floor, promise: 1.05, run: () => timeRun(2 * TASKS * TASK_USD) },
  ],
  Number(process.env['ROUNDS'] ?? 7),
);

async function timeRun(maxCostUsd: number | null): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-budget-'));
  const store = openStore({ file: join(folder, 'tasks.db'), tag: 'master', create: true });
  store.addTasks(manyDrafts(TASKS), { source: 'bench' });
  const costs = new LearnedCosts([], 'sonnet');
  const start = performance.now();
  const { outcome } = await orchestrate(
    {
      ...quietParts(folder),
      store,
      worker: {
        run: async () => {
          await sleep(TASK_MS);
          return attemptEnd('landed', { usage: costing(TASK_USD) });
        },
        recover: () => Promise.resolve(undefined),
        endOrphans: () => Promise.resolve(),
      },
      estimateCost: costs.estimate,
      learnCost: costs.learn,
      budget: openBudget({ slots: SLOTS, maxCostUsd }),
      ledger: new MemoryLedger(Date.now),
    },
    { ...quietOptions(folder, 'bench'), workers: SLOTS, pollMs: 500 },
    new AbortController().signal,
  );
  const took = performance.now() - start;
  if (outcome !== 'completed') throw new Error(`The run ended as ${outcome}.`);
  store.close();
  rmSync(folder, { recursive: true, force: true });
  return took;
}
