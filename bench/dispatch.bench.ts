import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { emptyEnd } from '../src/domain/attempt.ts';
import { orchestrate } from '../src/engine/orchestrator.ts';
import { openStore } from '../src/store/sqlite-store.ts';
import type { Worker } from '../src/worker/worker.ts';
import { openUsageLedger } from '../src/usage/sqlite-ledger.ts';
import { manyDrafts } from './many-tasks.ts';
import { compare } from './measure.ts';
import { openBudget, quietOptions, quietParts } from '../tests/rig/run-parts.ts';

// A thousand tasks that do nothing, four at a time: what the engine adds to Node's own price of a process.
const TASKS = 1000;
const SLOTS = 4;
const floor = 'node spawn, 4 at a time, no graph';

/** A worker that is the floor's process and nothing else. */
const noOp: Worker = {
  run: async () => {
    await spawnTrue();
    return { ...emptyEnd('landed', ''), exitCode: 0 };
  },
  recover: () => Promise.resolve(undefined),
  endOrphans: () => Promise.resolve(),
};

await compare(
  [
    { name: floor, run: () => timeSpawns(spawnTrue) },
    { name: 'peer: execa, 4 at a time, no graph', floor, run: () => timeSpawns(spawnWithExeca) },
    { name: 'engine, every state change durable', floor, promise: 1.5, run: timeEngine },
  ],
  Number(process.env['ROUNDS'] ?? 7),
);

async function timeSpawns(spawnOne: () => Promise<void>): Promise<number> {
  const start = performance.now();
  let left = TASKS;
  await Promise.all(
    Array.from({ length: SLOTS }, async () => {
      while (left-- > 0) await spawnOne();
    }),
  );
  return performance.now() - start;
}

async function timeEngine(): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-dispatch-'));
  const store = openStore({ file: join(folder, 'tasks.db'), tag: 'master', create: true });
  store.addTasks(manyDrafts(TASKS), { source: 'bench' });
  const account = { id: 'bench', label: 'bench' };
  const ledger = openUsageLedger({
    file: join(folder, 'usage.db'),
    accounts: { worker: account, manager: account },
    project: folder,
    now: Date.now,
  });
  const start = performance.now();
  const { outcome } = await orchestrate(
    {
      ...quietParts(folder),
      store,
      worker: noOp,
      budget: openBudget({ slots: SLOTS }),
      ledger,
    },
    { ...quietOptions(folder, 'bench'), workers: SLOTS, maxRetries: 0, pollMs: 500 },
    new AbortController().signal,
  );
  const took = performance.now() - start;
  if (outcome !== 'completed') throw new Error(`The run ended as ${outcome}.`);
  ledger.close();
  store.close();
  rmSync(folder, { recursive: true, force: true });
  return took;
}

function spawnTrue(): Promise<void> {
  return new Promise((resolve, reject) => {
    spawn('true', [], { stdio: 'ignore' })
      .on('error', reject)
      .on('close', () => resolve());
  });
}

async function spawnWithExeca(): Promise<void> {
  await execa('true', { stdio: 'ignore' });
}
