import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Event } from '../../../src/domain/event.ts';
import { Failed, type FailureReason } from '../../../src/domain/failure.ts';
import { openStore } from '../../../src/store/sqlite-store.ts';
import type { TaskStore } from '../../../src/store/store.ts';
import { compareTaskIds, type TaskDraft } from '../../../src/domain/task.ts';
import { makeDraft } from '../../rig/arbitrary-tasks.ts';
import { attemptEnd } from '../../rig/attempt-end.ts';
import { describeEachDriver } from '../../rig/each-driver.ts';
import { expectReplayable } from '../../rig/store-replay.ts';

describeEachDriver('the tasks of a store', ({ driver, file }) => {
  let store: TaskStore;
  let now = Date.UTC(2026, 0, 1);
  const open = (tag = 'master') => openStore({ file: file(), tag, create: true, driver, clock: () => now });
  const add = (...drafts: TaskDraft[]) => store.addTasks(drafts, { source: 'test' }).map(({ id }) => id);
  const statuses = () => Object.fromEntries(store.tasks().map(({ id, status }) => [id, status]));
  const needs = (id: string) => store.task(id)?.dependencies;
  const happened = (type: Event['type']) => store.events().filter((event) => event.type === type);
  const failure = (reason: FailureReason, message: RegExp, work: () => unknown) => {
    const before = [store.tasks(), store.events()];
    let failed: unknown;
    try {
      work();
    } catch (error) {
      failed = error;
    }
    expect(failed).toBeInstanceOf(Failed);
    const { failure: is } = failed as Failed;
    expect(is).toMatchObject({ reason, message: expect.stringMatching(message) as string });
    expect(is.fix).toBeTruthy();
    expect([store.tasks(), store.events()]).toEqual(before);
  };

  beforeEach(() => {
    store = open();
  });
  afterEach(() => {
    expectReplayable(store);
    store.close();
  });

  it('keeps every field as it was given, also across a new opening', () => {
    const draft = makeDraft('1', {
      title: 'Größe – 漢字 🎉',
      description: "it's; DROP TABLE tasks; --",
      details: 'a\u0000b\n\t"\\',
      testStrategy: '%s ?1 :x',
      priority: 'critical',
      size: 'XL',
      estimateMinutes: 12.5,
      touches: ['src/**', 'a "b"'],
      risk: 'high',
    });
    add(draft);
    const stored = {
      ...draft,
      tag: 'master',
      status: 'pending',
      createdAt: '2026-01-01T00:00:00.000Z',
      updatedAt: '2026-01-01T00:00:00.000Z',
    };
    expect(store.task('1')).toEqual(stored);
    store.close();
    store = open();
    expect(store.tasks()).toEqual([stored]);
  });

  it('orders by id as numbers, and keeps lists apart', () => {
    const ids = ['10', '2', '1.10', '1', '1.2', '3'];
    expect(add(...ids.map((id) => makeDraft(id)))).toEqual(ids);
    expect(store.tasks().map(({ id }) => id)).toEqual([...ids].sort(compareTaskIds));
    const other = open('other');
    expect(other.tasks()).toEqual([]);
    other.addTasks([makeDraft('1')], { source: 'test' });
    other.setStatus(['1'], 'done', 'test');
    expect(other.events()).toHaveLength(2);
    other.close();
    expect(store.task('1')?.status).toBe('pending');
    expect(store.events()).toHaveLength(1);
  });

  it('renumbers a batch whose ids are taken, references inside it with them', () => {
    add(makeDraft('1'), makeDraft('2'), makeDraft('2.1'));
    expect(
      add(
        makeDraft('2', { dependencies: ['1', '3'] }),
        makeDraft('3', { dependencies: ['1', '3.1'].slice(0, 1) }),
        makeDraft('2.1', { dependencies: ['3.2'] }),
        makeDraft('3.2'),
      ),
    ).toEqual(['3', '4', '3.1', '4.2']);
    expect(needs('3')).toEqual(['1', '4']);
    expect(needs('4')).toEqual(['1']);
    expect(needs('3.1')).toEqual(['4.2']);
    expect(add(makeDraft('2.1'), makeDraft('2.2', { dependencies: ['2.1'] }))).toEqual(['2.2', '2.3']);
    expect(needs('2.3')).toEqual(['2.2']);
    expect(add(makeDraft('9'))).toEqual(['9']);
  });

  it('replaces what is not in progress, and drops dependencies on it', () => {
    add(
      makeDraft('1'),
      makeDraft('2', { dependencies: ['1'] }),
      makeDraft('3'),
      makeDraft('3.1'),
      makeDraft('3.2'),
    );
    store.setStatus(['2', '3.2'], 'in-progress', 'test');
    const added = store.addTasks([makeDraft('1'), makeDraft('4')], { source: 'parse', replace: true });
    expect(added.map(({ id }) => id)).toEqual(['1', '4']);
    expect(statuses()).toEqual({
      1: 'pending',
      2: 'in-progress',
      3: 'in-progress',
      '3.2': 'in-progress',
      4: 'pending',
    });
    expect(needs('2')).toEqual([]);
    expect(happened('tasks-deleted')).toMatchObject([{ taskIds: ['1', '3.1'] }]);
    expect(happened('dependency-removed')).toMatchObject([{ taskId: '2', dependsOn: '1' }]);
  });

  it('stores all drafts or none, and tells every problem', () => {
    add(makeDraft('1'), makeDraft('2', { dependencies: ['1'] }));
    const bad = [makeDraft('3', { dependencies: ['99'] }), makeDraft('4', { title: ' ' }), makeDraft('8.1')];
    failure('plan-invalid', /99[^]*empty title[^]*8\.1|8\.1[^]*/, () => add(...bad));
    failure('plan-invalid', /more than one/, () => add(makeDraft('5'), makeDraft('5')));
    failure('plan-invalid', /not a task id/, () => add(makeDraft('1.2.3')));
    failure('dependency-cycle', /1 → 1\.1 → 2 → 1|cycle/, () =>
      add(makeDraft('1.1', { dependencies: ['2'] })),
    );
    failure('dependency-cycle', /3 → 4 → 3/, () =>
      add(makeDraft('3', { dependencies: ['4'] }), makeDraft('4', { dependencies: ['3'] })),
    );
  });

  it('edits what differs and nothing else', () => {
    add(makeDraft('1'), makeDraft('2'));
    now += 1000;
    const edited = store.editTask('1', {
      title: 'New',
      priority: 'medium',
      touches: ['a'],
      estimateMinutes: null,
    });
    expect(edited).toMatchObject({ title: 'New', touches: ['a'], updatedAt: '2026-01-01T00:00:01.000Z' });
    expect(store.task('1')).toEqual(edited);
    store.savePlan([
      { id: '2', size: 'L', risk: 'low' },
      { id: '77', size: 'S' },
      { id: '1', title: 'New' },
    ]);
    expect(store.task('2')).toMatchObject({ size: 'L', risk: 'low' });
    expect(happened('task-edited')).toMatchObject([
      { taskId: '1', changes: { title: 'New', touches: ['a'] } },
      { taskId: '2', changes: { size: 'L', risk: 'low' } },
    ]);
    failure('plan-invalid', /title/, () => store.editTask('1', { title: '  ' }));
    failure('task-not-found', /no task 9/, () => store.editTask('9', { title: 'x' }));
  });

  it('refuses a dependency that makes a cycle, and tells the cycle', () => {
    add(makeDraft('1'), makeDraft('2', { dependencies: ['1'] }), makeDraft('3', { dependencies: ['2'] }));
    failure('dependency-cycle', /1 → 3 → 2 → 1/, () => store.addDependency('1', '3'));
    failure('dependency-cycle', /itself/, () => store.addDependency('1', '1'));
    failure('task-not-found', /no task 4/, () => store.addDependency('1', '4'));
    expect(store.addDependency('3', '1')).toBe(true);
    expect(store.addDependency('3', '1')).toBe(false);
    expect(needs('3')).toEqual(['1', '2']);
    expect(store.removeDependency('3', '1')).toBe(true);
    expect(store.removeDependency('3', '1')).toBe(false);
    failure('task-not-found', /no task 4/, () => store.removeDependency('4', '1'));
    expect(needs('3')).toEqual(['2']);
    expect(happened('dependency-added')).toHaveLength(1);
    expect(happened('dependency-removed')).toHaveLength(1);
  });

  it('deletes with subtasks, and what others need only by force', () => {
    add(makeDraft('1'), makeDraft('1.1'), makeDraft('1.2'), makeDraft('2', { dependencies: ['1.1'] }));
    failure('task-needed', /1\.1 is needed by 2/, () => store.deleteTasks(['1'], { force: false }));
    failure('task-not-found', /no task 7/, () => store.deleteTasks(['2', '7'], { force: true }));
    expect(store.deleteTasks(['1', '2'], { force: false })).toEqual(['1', '1.1', '1.2', '2']);
    add(makeDraft('1'), makeDraft('1.1'), makeDraft('2', { dependencies: ['1.1'] }));
    expect(store.deleteTasks(['1'], { force: true })).toEqual(['1', '1.1']);
    expect(needs('2')).toEqual([]);
    expect(store.events({ taskId: '2' }).map(({ type }) => type)).toEqual([
      'tasks-added',
      'dependency-removed',
    ]);
  });

  it('sets all or nothing; groups hand down, and follow', () => {
    add(makeDraft('1'), makeDraft('1.1'), makeDraft('1.2'), makeDraft('2'));
    failure('task-not-found', /no tasks 8, 9/, () => store.setStatus(['2', '8', '9'], 'done', 'test'));
    store.setStatus(['1.1'], 'done', 'test');
    expect(statuses()).toEqual({ 1: 'in-progress', '1.1': 'done', '1.2': 'pending', 2: 'pending' });
    store.setStatus(['1.2'], 'done', 'test');
    expect(statuses()['1']).toBe('done');
    store.setStatus(['1'], 'pending', 'again');
    expect(statuses()).toEqual({ 1: 'pending', '1.1': 'pending', '1.2': 'pending', 2: 'pending' });
    expect(store.setStatus(['1', '2'], 'cancelled', 'no').map(({ status }) => status)).toEqual([
      'cancelled',
      'cancelled',
    ]);
    expect(statuses()['1.2']).toBe('cancelled');
    const before = store.events().length;
    store.setStatus(['2'], 'cancelled', 'no');
    expect(store.events()).toHaveLength(before);
  });

  it('puts off what is open of a group, and lets no status contradict the subtasks', () => {
    add(makeDraft('1'), makeDraft('1.1'), makeDraft('1.2'));
    store.setStatus(['1.1'], 'done', 'test');
    store.setStatus(['1'], 'deferred', 'later');
    expect(statuses()).toEqual({ 1: 'deferred', '1.1': 'done', '1.2': 'deferred' });
    store.setStatus(['1.2'], 'pending', 'now');
    expect(store.setStatus(['1'], 'review', 'no').map(({ status }) => status)).toEqual(['in-progress']);
  });

  it('never leaves a group done while a subtask of it is put off', () => {
    add(makeDraft('1'), makeDraft('1.1'));
    store.setStatus(['1'], 'done', 'finished');
    store.setStatus(['1', '1.1'], 'deferred', 'later after all');
    expect(statuses()).toEqual({ 1: 'deferred', '1.1': 'deferred' });
  });

  it('makes a group of its own work again when its last subtask goes', () => {
    add(makeDraft('1'), makeDraft('1.1'));
    store.setStatus(['1.1'], 'in-progress', 'test');
    expect(statuses()['1']).toBe('in-progress');
    store.deleteTasks(['1.1'], { force: false });
    expect(statuses()).toEqual({ 1: 'pending' });
    store.setStatus(['1'], 'done', 'test');
    add(makeDraft('1.1'));
    expect(statuses()).toEqual({ 1: 'pending', '1.1': 'pending' });
  });

  it('tells the history of a task from that of an earlier one with its id', () => {
    add(makeDraft('1'));
    const run = { id: 'run-1', process: { pid: 1, startTime: 'x' }, workers: 1, billing: '', tasks: 1 };
    store.startRun(run, () => false);
    const claim = () =>
      store.claim({
        runId: 'run-1',
        taskId: '1',
        sessionId: 's',
        resumed: false,
        model: 'm',
        directory: '/',
        filesRoot: '/f',
        why: '',
      });
    store.endAttempt(claim()?.attempt.id ?? 0, attemptEnd('crashed'), 'failed', 'crashed');
    const running = claim()?.attempt.id ?? 0;
    failure('plan-invalid', /being worked on/, () => add(makeDraft('1.1')));
    store.deleteTasks(['1'], { force: true });
    expect(store.attempts({ taskId: '1' })).toHaveLength(2);
    add(makeDraft('1'));
    expect(add(makeDraft('1.1'))).toEqual(['1.1']);
    store.deleteTasks(['1.1'], { force: false });
    expect(store.attempts({ taskId: '1' })).toEqual([]);
    expect(store.events({ taskId: '1' }).map(({ type }) => type)).toEqual(['tasks-added']);
    expect(store.endAttempt(running, attemptEnd('landed'), 'done', 'landed')).toMatchObject([
      { type: 'attempt-ended' },
    ]);
    expect(statuses()).toEqual({ 1: 'pending' });
    expect(claim()?.attempt.number).toBe(1);
    expect(store.attempts({ runId: 'run-1' })).toHaveLength(3);
  });

  it('has a version that changes with every change of any process', () => {
    const other = open();
    const seen = new Set([store.version()]);
    add(makeDraft('1'));
    seen.add(store.version());
    other.setStatus(['1'], 'done', 'test');
    seen.add(store.version());
    other.setStatus(['1'], 'pending', 'test');
    seen.add(store.version());
    expect(seen.size).toBe(4);
    store.tasks();
    expect(seen.has(store.version())).toBe(true);
    other.close();
  });
});
