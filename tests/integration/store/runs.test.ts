import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Failed } from '../../../src/domain/failure.ts';
import { openStore } from '../../../src/store/sqlite-store.ts';
import type { AttemptClaim, TaskStore } from '../../../src/store/store.ts';
import { TASK_STATUSES } from '../../../src/domain/task.ts';
import { makeDraft } from '../../rig/arbitrary-tasks.ts';
import { attemptEnd, costing } from '../../rig/attempt-end.ts';
import { describeEachDriver } from '../../rig/each-driver.ts';
import { expectReplayable } from '../../rig/store-replay.ts';

const SELF = { pid: 7, startTime: 'boot-7' };
const RUN = { id: 'run-1', process: SELF, workers: 2, billing: 'API key', tasks: 3 };

describeEachDriver('the runs and attempts of a store', ({ driver, file }) => {
  let store: TaskStore;
  let now: number;
  const claim = (taskId: string, overrides: Partial<AttemptClaim> = {}) =>
    store.claim({
      runId: 'run-1',
      taskId,
      sessionId: `session-${taskId}`,
      resumed: false,
      model: 'sonnet',
      directory: '/work',
      filesRoot: '/files',
      why: 'critical path',
      ...overrides,
    });
  const claimed = (taskId: string) => claim(taskId)?.attempt.id ?? Number.NaN;
  const alive = () => true;
  const dead = () => false;

  beforeEach(() => {
    now = Date.UTC(2026, 0, 1);
    store = openStore({ file: file(), tag: 'master', create: true, driver, clock: () => now });
    store.addTasks(
      [makeDraft('1', { size: 'M', estimateMinutes: 9 }), makeDraft('2'), makeDraft('3'), makeDraft('3.1')],
      { source: 'test' },
    );
  });
  afterEach(() => {
    expectReplayable(store);
    store.close();
  });

  it('keeps a run from its start to its end', () => {
    expect(store.lastRun()).toBeUndefined();
    expect(store.startRun(RUN, alive)).toEqual({
      type: 'run-started',
      runId: 'run-1',
      workers: 2,
      tasks: 3,
      billing: 'API key',
      at: '2026-01-01T00:00:00.000Z',
    });
    const started = {
      id: 'run-1',
      process: SELF,
      workers: 2,
      billing: 'API key',
      startedAt: '2026-01-01T00:00:00.000Z',
      endedAt: null,
      outcome: null,
      message: '',
    };
    expect(store.run('run-1')).toEqual(started);
    now += 60_000;
    store.record({ type: 'warning', message: 'in the run' });
    const end = store.endRun('run-1', 'completed', 'All done.');
    expect(end).toMatchObject({ type: 'run-ended', outcome: 'completed' });
    store.record({ type: 'warning', message: 'after the run' });
    expect(store.lastRun()).toEqual({
      ...started,
      endedAt: '2026-01-01T00:01:00.000Z',
      outcome: 'completed',
      message: 'All done.',
    });
    expect(store.events({ runId: 'run-1' }).map(({ type }) => type)).toEqual([
      'run-started',
      'warning',
      'run-ended',
    ]);
    expect(store.run('run-9')).toBeUndefined();
    expect(() => store.endRun('run-9', 'completed', '')).toThrow('no run run-9');
  });

  it('counts an attempt to the run that ended it too, where a killed one had begun it', () => {
    store.startRun(RUN, dead);
    const first = claimed('1');
    store.endAttempt(first, attemptEnd('landed'), 'done', '');
    const taken = claimed('2');
    now += 60_000;
    store.startRun({ ...RUN, id: 'run-2' }, dead);
    now += 60_000;
    store.endAttempt(taken, attemptEnd('landed'), 'done', '');
    const of = (runId: string): number[] => store.attempts({ runId }).map(({ id }) => id);
    expect([of('run-1'), of('run-2')]).toEqual([[first, taken], [taken]]);
    store.endRun('run-2', 'completed', '');
    expect(of('run-2')).toEqual([taken]);
  });

  it('allows one run at a time, naming the holder, and takes over from a dead one', () => {
    store.startRun(RUN, dead);
    let failed: unknown;
    try {
      store.startRun(
        { ...RUN, id: 'run-2' },
        (process) => process.pid === 7 && process.startTime === 'boot-7',
      );
    } catch (error) {
      failed = error;
    }
    expect(failed).toBeInstanceOf(Failed);
    expect((failed as Failed).failure).toMatchObject({
      reason: 'run-in-progress',
      message: expect.stringMatching(/run-1.*process 7/) as string,
    });
    expect(store.run('run-2')).toBeUndefined();
    store.startRun({ ...RUN, id: 'run-2' }, dead);
    expect(store.run('run-1')).toMatchObject({ outcome: 'interrupted' });
    expect(store.lastRun()).toMatchObject({ id: 'run-2', endedAt: null });
    expect(store.events({ runId: 'run-1' }).map(({ type }) => type)).toEqual(['run-started', 'run-ended']);
  });

  it('claims a task once, with the attempt and its events', () => {
    store.startRun(RUN, alive);
    const first = claim('1');
    expect(first?.attempt).toEqual({
      id: 1,
      runId: 'run-1',
      taskId: '1',
      number: 1,
      sessionId: 'session-1',
      resumed: false,
      forkedFrom: null,
      maxCostUsd: null,
      model: 'sonnet',
      directory: '/work',
      branch: null,
      base: null,
      landing: null,
      files: join('/files', '1'),
      process: null,
      phase: 'preparing',
      startedAt: '2026-01-01T00:00:00.000Z',
      endedAt: null,
      end: null,
    });
    expect(first?.events).toMatchObject([
      {
        type: 'attempt-started',
        attemptId: 1,
        taskId: '1',
        title: 'Task 1',
        number: 1,
        why: 'critical path',
      },
      { type: 'status-changed', taskId: '1', from: 'pending', to: 'in-progress' },
    ]);
    expect(claim('1')).toBeUndefined();
    expect(claim('3'), 'a group is no work').toBeUndefined();
    expect(claim('99')).toBeUndefined();
    expect(claim('3.1')?.events).toMatchObject([
      {},
      {},
      { type: 'status-changed', taskId: '3', to: 'in-progress' },
    ]);
    expect(store.events({ runId: 'run-1' })).toHaveLength(6);
  });

  it('tells of a claim what is stored of it', () => {
    store.startRun(RUN, alive);
    const fresh = claim('1');
    const forked = claim('2', { resumed: true, forkedFrom: 'session-0', maxCostUsd: 1.5 });
    expect(store.attempts({ running: true })).toEqual([fresh?.attempt, forked?.attempt]);
  });

  it('claims what is pending or failed and nothing else', () => {
    store.startRun(RUN, alive);
    for (const status of TASK_STATUSES) {
      store.setStatus(['2'], status, 'test');
      const attempt = claim('2');
      expect([status, attempt !== undefined]).toEqual([status, status === 'pending' || status === 'failed']);
      if (attempt !== undefined)
        store.endAttempt(attempt.attempt.id, attemptEnd('crashed'), 'failed', 'crashed');
    }
  });

  it('ends an attempt once, books its usage and sets the status', () => {
    store.startRun(RUN, alive);
    const id = claimed('1');
    now += 90_000;
    const end = attemptEnd('landed', {
      message: 'ok',
      usage: [...costing(0.25), { ...costing(0.5)[0], model: 'haiku' } as never],
      report: { status: 'completed', summary: 's', handover: 'h', followUps: ['f'] },
      denials: [{ tool: 'Bash', rule: 'Bash(rm:*)' }],
      turns: 3,
      exitCode: 0,
    });
    const events = store.endAttempt(id, end, 'done', 'landed');
    expect(events).toMatchObject([
      { type: 'attempt-ended', end },
      { type: 'status-changed', to: 'done', why: 'landed' },
    ]);
    expect(store.endAttempt(id, attemptEnd('crashed'), 'failed', 'late')).toBeUndefined();
    expect(store.attempts()).toMatchObject([{ id, end, endedAt: '2026-01-01T00:01:30.000Z' }]);
    expect(store.task('1')?.status).toBe('done');
    const usage = store.usage({ attemptId: id });
    expect(usage.map(({ model, costUsd }) => [model, costUsd])).toEqual([
      ['claude-sonnet-5-5', 0.25],
      ['haiku', 0.5],
    ]);
    expect(usage[0]).toMatchObject({ role: 'worker', runId: 'run-1', attemptId: id, input: 1, output: 1 });
    expect(store.finishedWork()).toMatchObject([{ size: 'M', estimateMinutes: 9 }]);
    expect(store.finishedWork()[0]?.minutes).toBeCloseTo(1.5, 3);
    expect(() => store.endAttempt(99, end, 'done', '')).toThrow('no attempt 99');
  });

  it('takes the work on a task for no change that is to be looked at, except where another connection does it', () => {
    const other = openStore({ file: store.path, tag: 'master', create: false, driver });
    const [own, others] = [store.version(), other.version()];
    store.startRun(RUN, alive);
    const id = claimed('1');
    store.record({ type: 'attempt-phase', attemptId: id, taskId: '1', phase: 'landing' });
    store.endAttempt(id, attemptEnd('landed'), 'done', 'landed');
    expect(store.version()).toBe(own);
    expect(other.version()).not.toBe(others);
    store.setStatus(['2'], 'deferred', 'a review said so');
    expect(store.version()).not.toBe(own);
    other.close();
  });

  it('keeps what a running attempt has used so far, without taking it for a change, until its end is booked', () => {
    store.startRun(RUN, alive);
    const id = claimed('1');
    const before = store.version();
    store.noteUsed(id, costing(0.1));
    store.noteUsed(id, costing(0.25));
    expect(store.version()).toBe(before);
    expect(store.usedSoFar('run-1')).toMatchObject([{ attemptId: id, costUsd: 0.25, role: 'worker' }]);
    expect([store.usedSoFar('run-2'), store.usage()]).toEqual([[], []]);
    store.endAttempt(id, attemptEnd('landed', { usage: costing(0.3) }), 'done', 'landed');
    expect(store.usedSoFar()).toEqual([]);
    expect(store.usage()).toMatchObject([{ costUsd: 0.3 }]);
  });

  it('lets a status that a person set win over failed and pending, but not over done', () => {
    store.startRun(RUN, alive);
    for (const [person, end, expected] of [
      ['cancelled', 'failed', 'cancelled'],
      ['deferred', 'pending', 'deferred'],
      ['done', 'failed', 'done'],
      ['cancelled', 'done', 'done'],
      ['review', 'failed', 'failed'],
      ['in-progress', 'pending', 'pending'],
    ] as const) {
      store.setStatus(['2'], 'pending', 'again');
      const id = claimed('2');
      store.setStatus(['2'], person, 'person');
      store.endAttempt(id, attemptEnd('crashed'), end, 'end');
      expect([person, end, store.task('2')?.status]).toEqual([person, end, expected]);
    }
    expect(store.attempts({ taskId: '2' }).map(({ number }) => number)).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('filters attempts by task, run and whether they run', () => {
    store.startRun(RUN, alive);
    store.endAttempt(claimed('1'), attemptEnd('crashed'), 'failed', 'crashed');
    claim('2');
    store.endRun('run-1', 'interrupted', '');
    store.startRun({ ...RUN, id: 'run-2' }, alive);
    claim('1', { runId: 'run-2', resumed: true });
    const ids = (filter: Parameters<TaskStore['attempts']>[0]) => store.attempts(filter).map(({ id }) => id);
    expect(ids({})).toEqual([1, 2, 3]);
    expect(ids({ taskId: '1' })).toEqual([1, 3]);
    expect(ids({ runId: 'run-1' })).toEqual([1, 2]);
    expect(ids({ running: true })).toEqual([2, 3]);
    expect(ids({ running: false })).toEqual([1]);
    expect(ids({ taskId: '1', runId: 'run-2', running: true })).toEqual([3]);
    expect(ids({ taskId: 'no id' })).toEqual([]);
    expect(store.attempts({ taskId: '1' })[1]).toMatchObject({ number: 2, resumed: true });
  });

  it('records what changes no task, and keeps processes, phases and costs of calls', () => {
    store.startRun(RUN, alive);
    const attemptId = claimed('1');
    store.record({ type: 'attempt-spawned', attemptId, taskId: '1', process: { pid: 42, startTime: 't' } });
    store.record({ type: 'attempt-phase', attemptId, taskId: '1', phase: 'working' });
    expect(store.attempts()[0]).toMatchObject({ process: { pid: 42, startTime: 't' }, phase: 'working' });
    const before = store.events().length;
    const progress = {
      action: 'Edit',
      tokens: { input: 1, output: 1, cacheRead: 0, cacheWrite: 0 },
      costUsd: 0,
    };
    expect(store.record({ type: 'attempt-progress', attemptId, taskId: '1', progress })).toMatchObject({
      progress,
    });
    expect(store.events()).toHaveLength(before);
    now += 1000;
    store.record({
      type: 'manager-called',
      purpose: 'plan',
      runId: 'run-1',
      usage: costing(2),
      durationMs: 5,
    });
    store.record({ type: 'manager-called', purpose: 'add', runId: null, usage: costing(1), durationMs: 5 });
    store.record({ type: 'retry-scheduled', taskId: '1', number: 2, delayMs: 5, why: 'crashed' });
    expect(store.usage().map(({ role, costUsd }) => [role, costUsd])).toEqual([
      ['manager', 2],
      ['manager', 1],
    ]);
    expect(store.usage({ runId: 'run-1' })).toHaveLength(1);
    expect(store.usage({ since: '2026-01-01T00:00:01.000Z' })).toHaveLength(2);
    expect(store.usage({ since: '2026-01-01T00:00:01.001Z' })).toHaveLength(0);
    expect(store.events({ limit: 2 }).map(({ type }) => type)).toEqual(['manager-called', 'retry-scheduled']);
    expect(store.events({ taskId: '1', runId: 'run-1', limit: 1 })).toMatchObject([
      { type: 'retry-scheduled' },
    ]);
    const types = ['run-started', 'manager-called'] as const;
    expect(store.events({ types }).map(({ type }) => type)).toEqual([
      'run-started',
      'manager-called',
      'manager-called',
    ]);
    expect(store.events({ runId: 'run-1', types, limit: 1 })).toMatchObject([{ purpose: 'add' }]);
    expect(store.events({ taskId: '1', types: ['retry-scheduled'] })).toHaveLength(1);
    expect(store.events({ taskId: '1', types: [] })).toEqual([]);
    expect(() => store.record({ type: 'tasks-deleted', taskIds: ['1'] })).toThrow('never on its own');
  });

  it('counts resumed work from the start of its session', () => {
    store.startRun(RUN, alive);
    const first = claimed('2');
    now += 60_000;
    store.endAttempt(first, attemptEnd('timed-out'), 'pending', 'timed out');
    now += 3_600_000;
    const second = claimed('2');
    now += 120_000;
    store.endAttempt(second, attemptEnd('landed'), 'done', 'landed');
    expect(store.finishedWork().map(({ minutes }) => Math.round(minutes * 10) / 10)).toEqual([3]);
  });

  it('is one moment for every reader, and no store inside another call', () => {
    expect(() => store.startRun(RUN, () => true)).not.toThrow();
    store.endRun('run-1', 'completed', '');
    store.startRun({ ...RUN, id: 'run-2' }, alive);
    expect(() => store.startRun({ ...RUN, id: 'run-3' }, () => store.tasks().length < 0)).toThrow(
      'inside another',
    );
    expect(store.lastRun()?.id).toBe('run-2');
  });
});
