import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AttemptEnd } from '../../../src/domain/attempt.ts';
import type { BudgetOptions } from '../../../src/engine/budget.ts';
import type { Stamped } from '../../../src/domain/event.ts';
import { Failed } from '../../../src/domain/failure.ts';
import type { RunParts, RunResult } from '../../../src/engine/run.ts';
import { orchestrate } from '../../../src/engine/orchestrator.ts';
import type { RunOptions } from '../../../src/engine/run.ts';
import { openStore } from '../../../src/store/sqlite-store.ts';
import { createSharedDirectory } from '../../../src/workspace/shared-directory.ts';
import type { TaskStore } from '../../../src/store/store.ts';
import type { Workspaces } from '../../../src/workspace/workspace.ts';
import type { TaskDraft } from '../../../src/domain/task.ts';
import { makeDraft } from '../../rig/arbitrary-tasks.ts';
import { attemptEnd, costing } from '../../rig/attempt-end.ts';
import { MemoryLedger } from '../../rig/memory-ledger.ts';
import { ScriptedWorker } from '../../rig/scripted-worker.ts';
import { openBudget, quietOptions, quietParts } from '../../rig/run-parts.ts';

const self = { pid: process.pid, startTime: 'self' };

describe('orchestrate', () => {
  let folder: string;
  let store: TaskStore;
  let worker: ScriptedWorker;
  let events: Stamped[];
  let abort: AbortController;
  let workspaces: Workspaces;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'orchestrator-test-'));
    store = openStore({ file: join(folder, 'tasks.db'), tag: 'master', create: true });
    worker = new ScriptedWorker();
    events = [];
    abort = new AbortController();
    workspaces = createSharedDirectory(folder);
  });

  afterEach(() => {
    store.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const start = (
    { budget, ...options }: Partial<RunOptions> & { budget?: Partial<BudgetOptions> } = {},
    plan: RunParts['plan'] = () => Promise.resolve('stored'),
  ): Promise<RunResult> =>
    orchestrate(
      {
        ...quietParts(folder),
        store,
        worker,
        workspaces,
        budget: openBudget({ slots: options.workers ?? 2, ...budget }),
        ledger: new MemoryLedger(Date.now),
        reporter: { report: (event) => void events.push(event), close: () => Promise.resolve() },
        plan,
        isAlive: ({ startTime }) => startTime === 'self',
        random: () => 0,
      },
      {
        ...quietOptions(folder),
        process: self,
        maxRetries: 1,
        retryBaseDelayMs: 0,
        retryMaxDelayMs: 0,
        billing: 'nobody',
        pollMs: 10,
        ...options,
      },
      abort.signal,
    );

  const add = (...drafts: TaskDraft[]): void => void store.addTasks(drafts, { source: 'test' });
  const claimByKilledRun = (taskId: string): ReturnType<TaskStore['claim']> => {
    const dead = { pid: 1, startTime: 'dead' };
    store.startRun({ id: 'run-0', process: dead, workers: 1, billing: '', tasks: 1 }, () => false);
    const sessionId = crypto.randomUUID();
    const settings = { resumed: false, model: 'sonnet', directory: folder, filesRoot: folder, why: '' };
    return store.claim({ runId: 'run-0', taskId, sessionId, ...settings });
  };
  const endNext = async (count: number, end: AttemptEnd): Promise<string> => {
    const call = await worker.call(count);
    call.end(end);
    return call.assignment.task.id;
  };

  it('runs a diamond in order, two at a time, and stores every outcome', async () => {
    add(
      makeDraft('1'),
      makeDraft('2', { dependencies: ['1'] }),
      makeDraft('3', { dependencies: ['1'] }),
      makeDraft('4', { dependencies: ['2', '3'] }),
    );
    const run = start();
    const report = {
      status: 'completed',
      summary: 'Did it.',
      handover: 'Use it so.',
      followUps: [],
    } as const;
    await worker.call(1);
    expect(worker.calls).toHaveLength(1);
    expect(worker.calls[0]?.assignment.attempt.files).toBe(join(folder, 'run-1', '1'));
    await endNext(1, attemptEnd('landed', { report }));
    const middle = await Promise.all([worker.call(2), worker.call(3)]);
    expect(middle.map(({ assignment }) => assignment.task.id)).toEqual(['2', '3']);
    expect(middle[0].assignment.handovers.map(({ task, summary }) => [task.id, summary])).toEqual([
      ['1', 'Use it so.'],
    ]);
    for (const call of middle) call.end(attemptEnd('no-change'));
    expect(await endNext(4, attemptEnd('landed'))).toBe('4');
    expect((await run).outcome).toBe('completed');
    expect(store.tasks().map(({ status }) => status)).toEqual(['done', 'done', 'done', 'done']);
    expect(store.lastRun()).toMatchObject({ id: 'run-1', outcome: 'completed' });
    expect(events.map(({ type }) => type).filter((type) => type.startsWith('run'))).toEqual([
      'run-started',
      'run-planned',
      'run-ended',
    ]);
  });

  it('retries in the same session, and fails a task when its attempts are used up', async () => {
    add(makeDraft('1'), makeDraft('2', { dependencies: ['1'] }));
    const run = start();
    await endNext(1, attemptEnd('verify-failed', { message: 'npm test failed' }));
    const second = await worker.call(2);
    expect(second.assignment.attempt).toMatchObject({
      number: 2,
      resumed: true,
      sessionId: worker.calls[0]?.assignment.attempt.sessionId,
    });
    expect(second.assignment.previous?.message).toBe('npm test failed');
    second.end(attemptEnd('verify-failed'));
    expect(await run).toMatchObject({
      outcome: 'completed-with-failures',
      message: '1 failed, 1 still to do.',
    });
    expect(store.tasks().map(({ status }) => status)).toEqual(['failed', 'pending']);
  });

  it('tries a refused task once, and starts a new session when a person runs it again', async () => {
    add(makeDraft('1'));
    const run = start();
    const first = await worker.call(1);
    first.end(attemptEnd('refused'));
    expect((await run).outcome).toBe('completed-with-failures');
    expect(worker.calls).toHaveLength(1);
    const again = start({ runId: 'run-2' });
    const second = await worker.call(2);
    expect(second.assignment.attempt.resumed).toBe(false);
    expect(second.assignment.attempt.sessionId).not.toBe(first.assignment.attempt.sessionId);
    second.end(attemptEnd('landed'));
    expect((await again).outcome).toBe('completed');
  });

  it('starts nothing after a usage limit, charges nothing, and resumes the same session later', async () => {
    add(makeDraft('1'), makeDraft('2'), makeDraft('3'), makeDraft('4'));
    const run = start({ maxWaitMs: 0 });
    const [first, second] = [await worker.call(1), await worker.call(2)];
    first.end(attemptEnd('usage-limited', { message: 'resets at 8:11', resetsAt: Date.now() + 60_000 }));
    second.end(attemptEnd('landed'));
    expect(await run).toMatchObject({ outcome: 'paused-usage-limit' });
    expect(worker.calls).toHaveLength(2);
    expect(store.tasks().map(({ status }) => status)).toEqual(['pending', 'done', 'pending', 'pending']);

    const again = start({ runId: 'run-2', workers: 1 });
    const resumed = await worker.call(3);
    expect(resumed.assignment.attempt).toMatchObject({
      resumed: true,
      sessionId: first.assignment.attempt.sessionId,
    });
    resumed.end(attemptEnd('landed'));
    await endNext(4, attemptEnd('landed'));
    await endNext(5, attemptEnd('landed'));
    expect((await again).outcome).toBe('completed');
  });

  it('stops when the budget is spent, and says what is still to do', async () => {
    add(makeDraft('1'), makeDraft('2'));
    const run = start({ workers: 1, budget: { maxCostUsd: 1 } });
    const call = await worker.call(1);
    expect(call.assignment.maxCostUsd).toBe(1);
    call.end(attemptEnd('landed', { usage: costing(0.98) }));
    expect((await run).outcome).toBe('over-budget');
    expect(store.task('2')?.status).toBe('pending');
  });

  it('says so when the budget cut short the only task', async () => {
    add(makeDraft('1'));
    const run = start({ budget: { maxCostUsd: 1 } });
    await endNext(1, attemptEnd('over-budget', { usage: costing(0.5) }));
    expect((await worker.call(2)).assignment.maxCostUsd).toBe(0.5);
    await endNext(2, attemptEnd('over-budget', { usage: costing(0.5) }));
    expect(await run).toMatchObject({ outcome: 'over-budget' });
    expect(store.task('1')?.status).toBe('pending');
  });

  it('limits the cost of all attempts at a task together', async () => {
    add(makeDraft('1'));
    const run = start({ budget: { maxCostPerTaskUsd: 2 }, maxRetries: 5 });
    await endNext(1, attemptEnd('crashed', { usage: costing(1.5) }));
    expect((await worker.call(2)).assignment.maxCostUsd).toBe(0.5);
    await endNext(2, attemptEnd('crashed', { usage: costing(0.5) }));
    expect((await run).outcome).toBe('over-budget');
    expect(worker.calls).toHaveLength(2);
    expect(events.filter(({ type }) => type === 'warning')).toHaveLength(1);
  });

  it('ends running workers when it is interrupted, and leaves their tasks to the next run', async () => {
    add(makeDraft('1'), makeDraft('2', { dependencies: ['1'] }));
    const run = start();
    await worker.call(1);
    abort.abort();
    expect((await run).outcome).toBe('interrupted');
    expect(store.tasks().map(({ status }) => status)).toEqual(['pending', 'pending']);
    expect(store.attempts({ running: true })).toEqual([]);
  });

  it('ends running workers when a task fails in failure mode kill', async () => {
    add(makeDraft('1'), makeDraft('2'), makeDraft('3'));
    const run = start({ failureMode: 'kill', maxRetries: 0 });
    await worker.call(2);
    await endNext(1, attemptEnd('crashed'));
    expect((await run).outcome).toBe('completed-with-failures');
    expect(worker.calls).toHaveLength(2);
    expect(store.tasks().map(({ status }) => status)).toEqual(['failed', 'pending', 'pending']);
  });

  it('picks up tasks that another process adds while it works', async () => {
    add(makeDraft('1'));
    const run = start({ workers: 1 });
    const first = await worker.call(1);
    const other = openStore({ file: join(folder, 'tasks.db'), tag: 'master', create: false });
    other.addTasks([makeDraft('2', { dependencies: ['1'] })], { source: 'another process' });
    other.close();
    first.end(attemptEnd('landed'));
    expect(await endNext(2, attemptEnd('landed'))).toBe('2');
    expect((await run).outcome).toBe('completed');
    expect(events.filter(({ type }) => type === 'tasks-added')).toMatchObject([{ taskIds: ['2'] }]);
  });

  it('runs only the requested tasks', async () => {
    add(makeDraft('1'), makeDraft('2'), makeDraft('3', { dependencies: ['1'] }));
    const run = start({ only: ['2', '3'] });
    expect(await endNext(1, attemptEnd('landed'))).toBe('2');
    expect(await run).toMatchObject({ outcome: 'completed-with-failures', message: '1 still to do.' });
  });

  it('settles the attempts of a killed orchestrator before anything else, and charges nothing for them', async () => {
    add(makeDraft('1'), makeDraft('2'));
    const claimed = claimByKilledRun('1');
    const run = start({ workers: 1, maxRetries: 0 });
    const again = await worker.call(1);
    expect(worker.recovered.map(({ id }) => id)).toEqual([claimed?.attempt.id]);
    expect(events.filter(({ type }) => type === 'attempt-started')[0]).toMatchObject({
      taskId: '1',
      title: 'Task 1',
    });
    expect(store.run('run-0')).toMatchObject({ outcome: 'interrupted' });
    again.end(attemptEnd('landed'));
    await endNext(2, attemptEnd('landed'));
    expect((await run).outcome).toBe('completed');
    expect(store.attempts({ taskId: '1' }).map(({ end }) => end?.outcome)).toEqual(['cancelled', 'landed']);
  });

  it('settles the attempts of a killed orchestrator, but retries only requested tasks', async () => {
    add(makeDraft('1'), makeDraft('2'));
    claimByKilledRun('1');
    const run = start({ only: ['2'], workers: 1 });
    expect(await endNext(1, attemptEnd('landed'))).toBe('2');
    await run;
    expect(worker.calls).toHaveLength(1);
    expect(store.task('1')?.status).toBe('pending');
    expect(store.attempts({ running: true })).toEqual([]);
  });

  it('ends the workers that it has taken over when it cannot continue', async () => {
    add(makeDraft('1'));
    claimByKilledRun('1');
    let ended = false;
    worker.recovery = (signal) =>
      new Promise((resolve) => {
        signal.addEventListener('abort', () => {
          ended = true;
          resolve(attemptEnd('cancelled', { usage: costing(0.5) }));
        });
      });
    await expect(start({}, () => Promise.reject(new Error('boom')))).rejects.toThrow('boom');
    expect(ended).toBe(true);
    expect(store.usage().map(({ costUsd }) => costUsd)).toEqual([0.5]);
  });

  it('takes over the result of a worker that ended after its orchestrator was killed', async () => {
    add(makeDraft('1'));
    claimByKilledRun('1');
    worker.recovery = () => Promise.resolve(attemptEnd('landed', { usage: costing(0.5) }));
    expect((await start()).outcome).toBe('completed');
    expect(worker.calls).toHaveLength(0);
    expect(store.usage().reduce((sum, { costUsd }) => sum + costUsd, 0)).toBe(0.5);
  });

  it('stores the open findings of a review, also where the orchestrator was killed during the landing', async () => {
    add(makeDraft('1'));
    const attempt = claimByKilledRun('1')?.attempt;
    if (attempt === undefined) throw new Error('It cannot be claimed.');
    const finding = {
      id: 'F1',
      severity: 'major',
      file: null,
      line: null,
      title: 'Slow',
      evidence: '',
    } as const;
    const review = { round: 2, verdict: 'rejected', summary: '', findings: [finding], commit: 'c' } as const;
    const proof = { change: 'c', gates: [{ command: 'npm test', verdict: 'passed' }], review } as const;
    const about = { attemptId: attempt.id, taskId: '1' };
    store.record({ type: 'landing-intended', ...about, commit: 'other', proof: { ...proof, change: 'o' } });
    store.record({ type: 'landing-intended', ...about, commit: 'landed', proof });
    worker.recovery = () => Promise.resolve(attemptEnd('landed', { commit: 'landed' }));
    expect((await start()).outcome).toBe('completed');
    expect(store.attempts({ taskId: '1' })[0]?.end).toMatchObject({ commit: 'landed', ...proof });
    expect(store.tasks().map(({ title, status }) => [title, status])).toEqual([
      ['Task 1', 'done'],
      ['Follow up on task 1: Slow', 'deferred'],
    ]);
  });

  it('ends adopted attempts at once where a person has cancelled their tasks since', async () => {
    add(makeDraft('1'));
    claimByKilledRun('1');
    store.setStatus(['1'], 'cancelled', 'given up');
    let isPlanned = false;
    worker.recovery = (signal) =>
      new Promise((resolve) => {
        signal.addEventListener('abort', () => resolve(attemptEnd(isPlanned ? 'landed' : 'cancelled')));
      });
    await start({}, () => {
      isPlanned = true;
      return Promise.resolve('stored');
    });
    expect(store.task('1')?.status).toBe('cancelled');
  });

  it('ends the stored run where the delivery fails', async () => {
    add(makeDraft('1'));
    workspaces = { ...workspaces, deliver: () => Promise.reject(new Error('boom')) };
    const run = start();
    await endNext(1, attemptEnd('landed'));
    await expect(run).rejects.toThrow('boom');
    expect(store.lastRun()).toMatchObject({ outcome: 'interrupted', message: 'boom' });
  });

  it('stores no run where no workspace can be prepared, and leaves the attempts of a killed run to the next one', async () => {
    add(makeDraft('1'));
    const dead = { pid: 1, startTime: 'dead' };
    store.startRun({ id: 'run-0', process: dead, workers: 1, billing: '', tasks: 1 }, () => false);
    const claim = { runId: 'run-0', taskId: '1', sessionId: crypto.randomUUID(), resumed: false, why: '' };
    store.claim({ ...claim, model: 'sonnet', directory: folder, filesRoot: folder });
    const refusal = new Failed({ reason: 'repository-unusable', message: 'a rebase is in progress' });
    workspaces = { ...workspaces, begin: () => Promise.reject(refusal) };
    await expect(start()).rejects.toBe(refusal);
    expect(store.lastRun()).toMatchObject({ id: 'run-0', endedAt: null });
    expect(store.attempts({ running: true })).toHaveLength(1);
    expect(events).toEqual([]);
  });

  it.each(['unauthenticated', 'model-unavailable'] as const)(
    'does not stop for what it takes over that ended as %s: the login may have been mended since',
    async (outcome) => {
      add(makeDraft('1'));
      const dead = { pid: 1, startTime: 'dead' };
      store.startRun({ id: 'run-0', process: dead, workers: 1, billing: '', tasks: 1 }, () => false);
      const claim = { runId: 'run-0', taskId: '1', sessionId: crypto.randomUUID(), resumed: false, why: '' };
      store.claim({ ...claim, model: 'sonnet', directory: folder, filesRoot: folder });
      worker.recovery = () => Promise.resolve(attemptEnd(outcome, { message: 'Please run /login.' }));
      const run = start();
      await endNext(1, attemptEnd('landed'));
      expect((await run).outcome).toBe('completed');
      expect(store.attempts()[0]?.end).toMatchObject({
        outcome: 'cancelled',
        message: 'With the login and the model of the earlier run: Please run /login.',
      });
    },
  );

  it('stores the usage of a worker while it works', async () => {
    add(makeDraft('1'));
    const run = start();
    const { hooks } = await worker.call(1);
    const progress = { action: '', tokens: { input: 1, output: 1, cacheRead: 0, cacheWrite: 0 } };
    for (const costUsd of [0.1, 0.2]) hooks.onProgress({ ...progress, costUsd }, costing(costUsd));
    expect(store.usedSoFar('run-1')).toMatchObject([{ costUsd: 0.2 }]);
    await endNext(1, attemptEnd('landed'));
    await run;
    expect(store.usedSoFar()).toEqual([]);
  });

  it('refuses to start beside a run that is alive, and says who runs', async () => {
    add(makeDraft('1'));
    const run = start();
    await worker.call(1);
    await expect(start({ runId: 'run-2' })).rejects.toMatchObject({ failure: { reason: 'run-in-progress' } });
    await endNext(1, attemptEnd('landed'));
    await run;
  });

  it('turns an exception of a worker into the end of its attempt, and does not retry it for ever', async () => {
    add(makeDraft('1'));
    worker.run = () => Promise.reject(new Error('boom'));
    const result = await start({ maxRetries: 2 });
    expect(result.outcome).toBe('completed-with-failures');
    expect(store.task('1')?.status).toBe('failed');
    expect(store.attempts({ taskId: '1' }).map(({ end }) => end?.outcome)).toEqual([
      'infrastructure',
      'infrastructure',
      'infrastructure',
    ]);
  });
});
