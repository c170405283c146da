import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { LearnedCosts } from '../../../src/domain/estimate.ts';
import type { Stamped } from '../../../src/domain/event.ts';
import type { RunResult } from '../../../src/engine/run.ts';
import { orchestrate } from '../../../src/engine/orchestrator.ts';
import { OUTCOME_POLICY } from '../../../src/domain/outcome.ts';
import { formatSummary } from '../../../src/cli/summary-text.ts';
import { reportOf } from '../../../src/reporting/html/report-model.ts';
import { renderReport } from '../../../src/reporting/html/render-report.ts';
import { summarize } from '../../../src/reporting/summarize.ts';
import { openStore } from '../../../src/store/sqlite-store.ts';
import type { TaskStore } from '../../../src/store/store.ts';
import { openUsageLedger } from '../../../src/usage/sqlite-ledger.ts';
import { makeDraft } from '../../rig/arbitrary-tasks.ts';
import { NightWorld } from '../../rig/night-world.ts';
import { liveUntil, stopTheClock } from '../../rig/virtual-time.ts';
import { openBudget, quietOptions, quietParts } from '../../rig/run-parts.ts';

const MINUTE = 60_000;
const START = Date.parse('2026-11-22T22:00:00Z');
const TASKS = 60;
const at = (hours: number, minutes: number): number => START + (hours * 60 + minutes) * MINUTE;

let folder: string;
let store: TaskStore;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'night-'));
  stopTheClock(new Date(START).toISOString());
  store = openStore({ file: join(folder, 'tasks.db'), tag: 'master', create: true });
});

afterEach(() => {
  store.close();
  vi.useRealTimers();
  rmSync(folder, { recursive: true, force: true });
});

/** `NIGHT_REPORT=file.html npx vitest run tests/integration/engine/night.test.ts` writes what is sent to the team. */
it('gets through a night of 60 tasks, two limits, an outage, a bad task and a flaky gate', async () => {
  store.addTasks(
    Array.from({ length: TASKS }, (_, index) =>
      // Ten chains of six.
      makeDraft(String(index + 1), {
        size: 'M',
        estimateMinutes: 18,
        dependencies: index < 10 ? [] : [String(index - 9)],
      }),
    ),
    { source: 'test' },
  );
  const world = new NightWorld({
    window: { holdsUsd: 60, resetsAt: at(1, 30), usedUsd: 30 },
    // At one in the morning, the rest of the window is enough for the run.
    person: [
      { at: at(0, 50), usd: 20 },
      { at: at(3, 50), usd: 18 },
    ],
    outage: { from: at(2, 30), until: at(2, 50) },
    badTask: '57',
    flakyTask: '23',
    callsOf: (taskId) => 12 + ((Number(taskId) * 7) % 9),
  });
  const account = { id: 'night', label: 'Claude subscription' };
  const ledger = openUsageLedger({
    file: join(folder, 'usage.db'),
    accounts: { worker: account, manager: account },
    project: folder,
    now: Date.now,
  });
  const events: Stamped[] = [];
  let result: RunResult | undefined;
  let failure: unknown;
  void orchestrate(
    {
      ...quietParts(folder),
      store,
      worker: world,
      reporter: { report: (event) => void events.push(event), close: () => Promise.resolve() },
      estimateCost: new LearnedCosts([], 'sonnet').estimate,
      budget: openBudget({ maxCostUsd: 200, slots: 4 }),
      ledger,
    },
    {
      ...quietOptions(folder, 'night'),
      workers: 4,
      retryMaxDelayMs: 60_000,
      billing: 'workers: Claude subscription',
      pollMs: 5000,
    },
    new AbortController().signal,
  ).then(
    (ended) => (result = ended),
    (error: unknown) => (failure = error),
  );
  await liveUntil(() => result !== undefined || failure !== undefined);
  ledger.close();
  expect(failure).toBeUndefined();

  const attempts = store.attempts();
  const run = store.run('night');
  if (run === undefined) throw new Error('There is no run.');
  const source = {
    run,
    attempts,
    tasks: store.tasks(),
    usage: store.usage(),
    events: store.events(),
    now: Date.now(),
  };
  const { NIGHT_REPORT: file } = process.env;
  if (file !== undefined) {
    writeFileSync(file, renderReport(reportOf({ ...source, sizes: new Map() }), 'UTC'));
    writeFileSync(`${file}.txt`, formatSummary(summarize(source), { columns: 100, color: false }));
  }

  expect(result?.outcome).toBe('completed-with-failures');
  expect([...(result?.results.values() ?? [])].filter((one) => one === 'done')).toHaveLength(TASKS - 1);
  expect(store.task('57')?.status).toBe('failed');
  expect(Date.now()).toBeLessThan(at(8, 0));

  // Two limits and one outage, and each ends by itself.
  const paused = events.filter((event) => event.type === 'run-paused');
  const resumed = events.filter((event) => event.type === 'run-resumed');
  expect(resumed.map(({ reason }) => reason)).toEqual(['usage-limit', 'outage', 'usage-limit']);
  // A limit refuses each worker at most once: nothing starts only to see whether it is still in force.
  expect(world.refusals.length).toBeGreaterThan(1);
  expect(world.refusals.length).toBeLessThanOrEqual(2 * 4);
  // From the report of a pause to its end, nothing starts.
  const starts = events
    .filter((event) => event.type === 'attempt-started')
    .map((event) => Date.parse(event.at));
  for (const pause of paused) {
    const [from, until] = [Date.parse(pause.at), Date.parse(pause.until)];
    expect(starts.filter((time) => time > from && time < until)).toEqual([]);
  }

  // Tasks are only charged for their own failures: one attempt for each task, and three for the bad one.
  const charged = attempts.filter(({ end }) => end !== null && OUTCOME_POLICY[end.outcome].charged);
  expect(charged).toHaveLength(TASKS - 1 + 3);
  const sessions = (taskId: string): number =>
    new Set(attempts.filter((attempt) => attempt.taskId === taskId).map(({ sessionId }) => sessionId)).size;
  for (const { id } of store.tasks()) expect([id, sessions(id)]).toEqual([id, 1]);
  expect(
    attempts.find(({ taskId, end }) => taskId === '23' && end?.outcome === 'landed')?.end?.gates,
  ).toEqual([{ command: 'npm test', verdict: 'flaky' }]);
  const booked = store.usage().reduce((sum, { costUsd }) => sum + costUsd, 0);
  expect(booked).toBeCloseTo(world.spentUsd, 6);
}, 240_000);
