import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { AttemptEnd } from '../../../src/domain/attempt.ts';
import type { BudgetOptions } from '../../../src/engine/budget.ts';
import type { Estimator } from '../../../src/domain/estimate.ts';
import type { Stamped } from '../../../src/domain/event.ts';
import type { RunResult } from '../../../src/engine/run.ts';
import { orchestrate } from '../../../src/engine/orchestrator.ts';
import type { RunOptions } from '../../../src/engine/run.ts';
import { openStore } from '../../../src/store/sqlite-store.ts';
import type { TaskStore } from '../../../src/store/store.ts';
import type { LimitObservation } from '../../../src/domain/usage-limit.ts';
import { makeDraft } from '../../rig/arbitrary-tasks.ts';
import { attemptEnd, costing } from '../../rig/attempt-end.ts';
import { MemoryLedger } from '../../rig/memory-ledger.ts';
import { ScriptedWorker, type Call } from '../../rig/scripted-worker.ts';
import { liveUntil, stopTheClock } from '../../rig/virtual-time.ts';
import { openBudget, quietOptions, quietParts } from '../../rig/run-parts.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const START = Date.parse('2026-11-22T22:00:00Z');

describe('a run that is paused', () => {
  let folder: string;
  let store: TaskStore;
  let ledger: MemoryLedger;
  let worker: ScriptedWorker;
  let events: Stamped[];
  let run: { result?: RunResult; failure?: unknown };
  let abort: AbortController;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'pauses-'));
    stopTheClock(new Date(START).toISOString());
    store = openStore({ file: join(folder, 'tasks.db'), tag: 'master', create: true });
    ledger = new MemoryLedger(Date.now);
    worker = new ScriptedWorker();
    events = [];
    run = {};
    abort = new AbortController();
  });

  afterEach(() => {
    store.close();
    vi.useRealTimers();
    rmSync(folder, { recursive: true, force: true });
  });

  /** `answer` decides how each attempt ends; an attempt without an end goes on. */
  const start = (
    answer: (call: Call) => AttemptEnd | Promise<AttemptEnd> | undefined,
    {
      budget,
      estimateCost = () => 0.01,
      ...options
    }: Partial<RunOptions> & { budget?: Partial<BudgetOptions>; estimateCost?: Estimator } = {},
  ): void => {
    const play = worker.run.bind(worker);
    worker.run = (assignment, hooks, signal) => {
      const end = play(assignment, hooks, signal);
      const call = worker.calls.at(-1);
      const answered = call === undefined ? undefined : answer(call);
      if (answered !== undefined) void Promise.resolve(answered).then((one) => call?.end(one));
      return end;
    };
    void orchestrate(
      {
        ...quietParts(folder),
        store,
        worker,
        reporter: { report: (event) => void events.push(event), close: () => Promise.resolve() },
        estimateCost,
        budget: openBudget({ slots: options.workers ?? 2, ...budget }),
        ledger,
      },
      { ...quietOptions(folder), ...options },
      abort.signal,
    ).then(
      (result) => (run.result = result),
      (failure: unknown) => (run.failure = failure),
    );
  };

  /** Lets time pass until the run ends, but at most so many hours. */
  const finish = async (hours: number): Promise<RunResult> => {
    const end = Date.now() + hours * HOUR;
    await liveUntil(() => run.result !== undefined || run.failure !== undefined || Date.now() > end);
    if (run.failure !== undefined) throw new Error('The run failed.', { cause: run.failure });
    if (run.result === undefined) throw new Error(`The run was not over after ${hours} hours.`);
    return run.result;
  };

  const add = (count: number): void =>
    void store.addTasks(
      Array.from({ length: count }, (_, index) => makeDraft(String(index + 1))),
      { source: 'test' },
    );

  const claimByKilledRun = (taskId: string, maxCostUsd: number | null = null): void => {
    const dead = { pid: 1, startTime: 'dead' };
    store.startRun({ id: 'run-0', process: dead, workers: 1, billing: '', tasks: 1 }, () => false);
    store.claim({
      runId: 'run-0',
      taskId,
      sessionId: crypto.randomUUID(),
      resumed: false,
      maxCostUsd,
      model: 'sonnet',
      directory: folder,
      filesRoot: folder,
      why: '',
    });
  };

  it('gives back the money of a killed run’s attempt that left no result', async () => {
    add(1);
    claimByKilledRun('1', 10);
    start(() => attemptEnd('landed', { usage: costing(1) }), { budget: { maxCostUsd: 10 } });
    expect((await finish(1)).outcome).toBe('completed');
    expect(worker.calls[0]?.assignment.maxCostUsd).toBe(10);
  });

  it('ends an attempt that a killed run started with more money than there is now', async () => {
    add(1);
    claimByKilledRun('1');
    let spentUsd = 0;
    worker.recover = (_attempt, hooks, signal) =>
      new Promise((resolve) => {
        const call = setInterval(() => {
          spentUsd += 0.1;
          const tokens = { input: 1, output: 1, cacheRead: 0, cacheWrite: 0 };
          hooks.onProgress({ action: '', tokens, costUsd: spentUsd });
        }, 10_000);
        signal.addEventListener('abort', () => {
          clearInterval(call);
          resolve(attemptEnd('cancelled', { usage: costing(spentUsd) }));
        });
      });
    start(() => undefined, { budget: { maxCostUsd: 2 } });
    expect((await finish(1)).outcome).toBe('over-budget');
    expect(spentUsd).toBeLessThanOrEqual(2.1 + 1e-9);
    expect(worker.calls).toHaveLength(0);
    expect(store.task('1')?.status).toBe('pending');
  });

  it('ends at once when a person cancels all other tasks, one that waits for its retry included', async () => {
    add(2);
    start(
      ({ assignment, hooks }) => {
        if (assignment.task.id === '1') return attemptEnd('stalled', { message: 'no sign of life' });
        hooks.onLimits(refused(START + 5 * HOUR));
        return attemptEnd('usage-limited', { resetsAt: START + 5 * HOUR });
      },
      { retryBaseDelayMs: 10 * MINUTE, retryMaxDelayMs: 10 * MINUTE },
    );
    await liveUntil(() => events.some(({ type }) => type === 'run-paused') && Date.now() > START + MINUTE);
    store.setStatus(['1', '2'], 'cancelled', 'given up');
    await finish(0.1);
  });

  it('ends at once when it is interrupted, and leaves everything to the next run', async () => {
    add(3);
    start(({ hooks }) => {
      hooks.onLimits(refused(START + 5 * HOUR));
      return attemptEnd('usage-limited', { resetsAt: START + 5 * HOUR });
    });
    await liveUntil(() => Date.now() > START + HOUR);
    abort.abort();
    expect((await finish(0.01)).outcome).toBe('interrupted');
    expect(store.tasks().map(({ status }) => status)).toEqual(['pending', 'pending', 'pending']);
  });

  it('ends at once when a running task fails in failure mode kill', async () => {
    add(3);
    start(
      ({ assignment, hooks }) => {
        if (assignment.task.id === '1')
          return new Promise((resolve) =>
            setTimeout(() => resolve(attemptEnd('refused', { usage: costing(1) })), 10 * MINUTE),
          );
        hooks.onLimits(refused(START + 5 * HOUR));
        return attemptEnd('usage-limited', { resetsAt: START + 5 * HOUR });
      },
      { failureMode: 'kill' },
    );
    expect((await finish(0.5)).outcome).toBe('completed-with-failures');
    expect(store.tasks().map(({ status }) => status)).toEqual(['failed', 'pending', 'pending']);
  });

  it('starts a task that a person adds only after the pause', async () => {
    add(1);
    ledger.observe('worker', refused(START + 2 * HOUR));
    start(() => attemptEnd('landed', { usage: costing(1) }));
    await liveUntil(() => Date.now() > START + HOUR);
    store.addTasks([makeDraft('2')], { source: 'test' });
    expect((await finish(2)).outcome).toBe('completed');
    const starts = worker.calls.map(({ assignment }) => Date.parse(assignment.attempt.startedAt));
    expect(starts).toHaveLength(2);
    expect(Math.min(...starts)).toBeGreaterThanOrEqual(START + 2 * HOUR);
  });

  it('reports that it continues before it starts the next attempts', async () => {
    add(3);
    ledger.observe('worker', refused(START + 2 * HOUR));
    start(() => attemptEnd('landed', { usage: costing(1) }));
    expect((await finish(3)).outcome).toBe('completed');
    const order = events.filter(({ type }) => type === 'run-resumed' || type === 'attempt-started');
    expect(order.map(({ type }) => type)).toEqual([
      'attempt-started',
      'run-resumed',
      'attempt-started',
      'attempt-started',
    ]);
  });

  it('does not charge tasks that failed alike, the first one included', async () => {
    add(2);
    const tries = new Map<string, number>();
    start(
      ({ assignment: { task } }) => {
        const number = (tries.get(task.id) ?? 0) + 1;
        tries.set(task.id, number);
        if (number === 1) return attemptEnd('crashed', { message: 'out of memory', usage: costing(0.1) });
        if (number === 2) return attemptEnd('verify-failed', { message: 'red', usage: costing(0.1) });
        return attemptEnd('landed', { usage: costing(0.1) });
      },
      { maxRetries: 1 },
    );
    expect((await finish(1)).outcome).toBe('completed');
    expect(events.filter(({ type }) => type === 'run-paused')).toHaveLength(1);
  });

  it('does not pause for a limit that had reset before the killed run was taken over', async () => {
    add(1);
    claimByKilledRun('1');
    worker.recovery = () =>
      Promise.resolve(attemptEnd('usage-limited', { resetsAt: START + 3 * HOUR, usage: costing(1) }));
    vi.setSystemTime(START + 11 * HOUR);
    start(() => attemptEnd('landed', { usage: costing(1) }));
    expect((await finish(0.1)).outcome).toBe('completed');
  });

  it('reports a reserve once, also where the reset of the window is unknown', async () => {
    add(1);
    ledger.observe('worker', {
      windows: [{ name: 'five_hour', utilization: 0.95, status: 'allowed', resetsAt: null }],
      overageInUse: false,
      refused: false,
    });
    start(() => attemptEnd('landed', { usage: costing(1) }), { reservePercent: 10 });
    expect((await finish(3)).outcome).toBe('completed');
    expect(events.filter(({ type }) => type === 'run-paused')).toHaveLength(1);
  });

  it('does not let one task that the API cannot answer delay all others', async () => {
    add(6);
    start(({ assignment }) =>
      assignment.task.id === '1'
        ? attemptEnd('infrastructure', { outage: true, message: 'API Error: 500' })
        : attemptEnd('landed', { usage: costing(1) }),
    );
    const { results } = await finish(30);
    expect([...results.values()].filter((one) => one === 'done')).toHaveLength(5);
    expect(Date.now() - START).toBeLessThan(4 * HOUR);
  });

  it('finds the one small task that fits among many that do not, before it waits', async () => {
    store.addTasks(
      [
        ...Array.from({ length: 100 }, (_, index) => makeDraft(String(index + 1), { size: 'L' })),
        makeDraft('101', { size: 'S', priority: 'low' }),
      ],
      { source: 'test' },
    );
    ledger = new MemoryLedger(Date.now, 0.1);
    ledger.observe('worker', {
      windows: [{ name: 'five_hour', utilization: 0.9, status: 'allowed', resetsAt: START + HOUR }],
      overageInUse: false,
      refused: false,
    });
    start(() => attemptEnd('landed', { usage: costing(1) }), {
      estimateCost: ({ size }) => (size === 'S' ? 0.1 : 3),
    });
    await liveUntil(() => Date.now() > START + MINUTE);
    expect(worker.calls.map(({ assignment }) => assignment.task.id)).toEqual(['101']);
    await finish(2);
  });

  it('continues soon after the machine has slept beyond the end of the pause', async () => {
    add(1);
    ledger.observe('worker', refused(START + 2 * HOUR));
    start(() => attemptEnd('landed', { usage: costing(1) }));
    await liveUntil(() => Date.now() > START + MINUTE);
    // The clock moves on, the timers do not.
    vi.setSystemTime(START + 3 * HOUR);
    await finish(0.1);
  });

  it('does not start a task that got a new dependency while it waited for its retry', async () => {
    add(2);
    const order: string[] = [];
    start(
      ({ assignment: { task, attempt } }) => {
        order.push(task.id);
        if (task.id === '1' && attempt.number === 1) return attemptEnd('crashed');
        return new Promise((resolve) =>
          setTimeout(() => resolve(attemptEnd('landed', { usage: costing(1) })), 10 * MINUTE),
        );
      },
      { retryBaseDelayMs: MINUTE, retryMaxDelayMs: MINUTE },
    );
    await liveUntil(() => Date.now() > START + 10_000);
    store.addDependency('1', '2');
    expect((await finish(1)).outcome).toBe('completed');
    const [, , third] = worker.calls;
    expect(order).toEqual(['1', '2', '1']);
    expect(Date.parse(third?.assignment.attempt.startedAt ?? '')).toBeGreaterThanOrEqual(START + 10 * MINUTE);
  });
});

function refused(resetsAt: number): LimitObservation {
  const window = { name: 'five_hour', utilization: 1, status: 'rejected', resetsAt } as const;
  return { windows: [window], overageInUse: false, refused: true };
}
