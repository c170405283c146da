import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Event, Stamped } from '../../../../src/domain/event.ts';
import { ProgressModel } from '../../../../src/reporting/progress/progress-model.ts';
import { estimateRemaining } from '../../../../src/reporting/progress/remaining-time.ts';
import { attemptEnd, costing } from '../../../rig/attempt-end.ts';
import { stagedEnd, stagedProgress, stagedStart } from '../../../rig/staged-run.ts';
import { cases } from '../../../rig/effort.ts';

const START = Date.parse('2026-01-01T00:00:00Z');
const stamp = (event: Event, afterMs = 0): Stamped => ({
  ...event,
  at: new Date(START + afterMs).toISOString(),
});

function modelOf(events: readonly Stamped[], remainingMinutes?: () => number | undefined): ProgressModel {
  const model = new ProgressModel({ remainingMinutes });
  for (const event of events) model.apply(event);
  return model;
}

/** What a run may do to its tasks, step by step. */
type Step = {
  readonly task: number;
  readonly kind: 'land' | 'fail' | 'retry' | 'cancel' | 'progress' | 'add';
};

const steps = fc.array(
  fc.record({
    task: fc.integer({ min: 1, max: 12 }),
    kind: fc.constantFrom<Step['kind']>('land', 'fail', 'retry', 'cancel', 'progress', 'add'),
  }),
  { maxLength: 60 },
);

/** Plays steps as the engine would, with a tally of its own beside it. */
function play(tasks: number, script: readonly Step[]) {
  const states = new Map<string, string>(
    Array.from({ length: tasks }, (_, index) => [String(index + 1), 'waiting'] as const),
  );
  const events: Stamped[] = stagedStart(0, tasks, START);
  const running = new Map<string, number>();
  let attempts = 0;
  for (const { task, kind } of script) {
    const taskId = String(task);
    if (kind === 'add') {
      if (states.has(taskId)) continue;
      states.set(taskId, 'waiting');
      events.push(stamp({ type: 'tasks-added', taskIds: [taskId], source: 'test' }));
      continue;
    }
    const state = states.get(taskId);
    if (state === undefined || state === 'done' || state === 'gone' || state === 'failed') continue;
    let attemptId = running.get(taskId);
    if (attemptId === undefined) {
      attemptId = ++attempts;
      running.set(taskId, attemptId);
      states.set(taskId, 'running');
      const more = { title: `Task ${taskId}`, number: 1, sessionId: 's', resumed: false, why: 'next' };
      events.push(stamp({ type: 'attempt-started', runId: 'run-1', attemptId, taskId, ...more }));
    }
    if (kind === 'progress') {
      events.push(stamp({ ...stagedProgress(1, 1), attemptId, taskId }));
      continue;
    }
    running.delete(taskId);
    const outcome = kind === 'land' ? 'landed' : kind === 'cancel' ? 'cancelled' : 'crashed';
    const to = ({ land: 'done', fail: 'failed', retry: 'pending', cancel: 'cancelled' } as const)[kind];
    events.push(stamp({ type: 'attempt-ended', attemptId, taskId, end: attemptEnd(outcome) }));
    events.push(stamp({ type: 'status-changed', taskId, from: 'in-progress', to, why: '' }));
    states.set(taskId, { done: 'done', failed: 'failed', pending: 'waiting', cancelled: 'gone' }[to]);
  }
  const count = (wanted: string): number => [...states.values()].filter((state) => state === wanted).length;
  return { events, count };
}

describe('counts', () => {
  test('agree with what happened, and add up to the total, whatever happens', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 12 }), steps, (tasks, script) => {
        const { events, count } = play(tasks, script);
        const { counts } = modelOf(events).at(START);
        expect(counts).toEqual({
          total: count('done') + count('running') + count('failed') + count('waiting'),
          done: count('done'),
          running: count('running'),
          failed: count('failed'),
          waiting: count('waiting'),
        });
      }),
      { numRuns: cases(2000) },
    );
  });

  test('never turn negative, however events arrive', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 12 }),
        steps.chain((script) => fc.shuffledSubarray(play(6, script).events)),
        (tasks, events) => {
          const { counts } = modelOf([...stagedStart(0, tasks, START), ...events]).at(START);
          const { total, done, running, failed, waiting } = counts;
          expect(done + running + failed + waiting).toBe(total);
          for (const part of [done, running, failed, waiting]) expect(part).toBeGreaterThanOrEqual(0);
        },
      ),
      { numRuns: cases(2000) },
    );
  });

  test('a group counts for nothing beside its subtasks', () => {
    const started = stagedStart(1, 2, START).map((event) =>
      'taskId' in event ? { ...event, taskId: '7.1' } : event,
    );
    const model = modelOf([
      ...started,
      stamp({ type: 'status-changed', taskId: '7', from: 'pending', to: 'in-progress', why: 'subtask' }),
      stamp({ type: 'attempt-ended', attemptId: 1, taskId: '7.1', end: attemptEnd('landed') }),
      stamp({ type: 'status-changed', taskId: '7.1', from: 'in-progress', to: 'done', why: '' }),
      stamp({ type: 'status-changed', taskId: '7', from: 'in-progress', to: 'done', why: 'subtasks' }),
    ]);
    expect(model.at(START).counts).toEqual({ total: 2, done: 1, running: 0, failed: 0, waiting: 1 });
  });

  test('a task that a person settles meanwhile leaves the run', () => {
    const settled = stamp({
      type: 'status-changed',
      taskId: '9',
      from: 'pending',
      to: 'done',
      why: 'by hand',
    });
    expect(modelOf([...stagedStart(1, 5, START), settled]).at(START).counts.total).toBe(4);
  });
});

describe('workers and failures', () => {
  test('a worker shows its task, phase, action and figures until its attempt ends', () => {
    const model = modelOf(stagedStart(2, 4, START));
    expect(model.at(START).running.map(({ taskId, phase, action }) => [taskId, phase, action])).toEqual([
      ['1', 'working', 'Bash npm test -- --run login'],
      ['2', 'working', 'Read docs/ログイン.md'],
    ]);
    model.apply(stamp({ type: 'attempt-phase', attemptId: 1, taskId: '1', phase: 'verifying' }));
    expect(model.worker(1)).toMatchObject({ phase: 'verifying', action: '' });
    for (const event of stagedEnd(1, 'landed', START, 1000)) model.apply(event);
    expect(model.at(START).running.map(({ taskId }) => taskId)).toEqual(['2']);
  });

  test('what a worker says after its end does not bring it back', () => {
    const model = modelOf([...stagedStart(1, 1, START), ...stagedEnd(1, 'landed', START, 1000)]);
    const before = model.at(START);
    model.apply(stamp(stagedProgress(1, 9)));
    model.apply(stamp({ type: 'attempt-phase', attemptId: 1, taskId: '1', phase: 'landing' }));
    expect(model.at(START)).toEqual(before);
  });

  test('a failure stays with its reason until the task is tried again', () => {
    const model = modelOf([...stagedStart(1, 1, START), ...stagedEnd(1, 'verify-failed', START, 1000)]);
    expect(model.at(START).failures).toMatchObject([
      { taskId: '1', title: 'Add the login form', outcome: 'verify-failed', retrying: false },
    ]);
    model.apply(stamp({ type: 'retry-scheduled', taskId: '1', number: 2, delayMs: 0, why: 'again' }));
    expect(model.at(START)).toMatchObject({ retries: 1, failures: [{ retrying: true }] });
    const again = { runId: 'run-1', title: 'T', sessionId: 's', resumed: true, why: '' };
    model.apply(stamp({ type: 'attempt-started', attemptId: 2, taskId: '1', number: 2, ...again }));
    expect(model.at(START).failures).toEqual([]);
    expect(model.worker(2)?.number).toBe(2);
  });

  test('texts from outside are made safe on their way in', () => {
    const model = modelOf(stagedStart(12, 12, START));
    model.apply(stamp({ type: 'warning', message: 'bad\x1b[2J\nnews' }));
    const { running } = model.at(START);
    expect(running[8]?.title).toBe('Colour red and title and clear');
  });
});

describe('tokens and cost', () => {
  test('running work counts by its last figures, ended work by what was booked, and the manager too', () => {
    const model = modelOf(stagedStart(2, 2, START));
    const live = model.at(START);
    expect(live.tokens).toBe(1140 + 2280);
    expect(live.costUsd).toBeCloseTo(0.0369);
    for (const event of stagedEnd(1, 'landed', START, 1000)) model.apply(event);
    const usage = costing(0.5);
    model.apply(stamp({ type: 'manager-called', purpose: 'plan', runId: 'run-1', usage, durationMs: 5 }));
    expect(model.at(START).tokens).toBe(2 + 2 + 2280);
    expect(model.at(START).costUsd).toBeCloseTo(0.05 + 0.5 + 0.0246);
  });
});

describe('time', () => {
  test('elapsed time runs from the start of the run to its end', () => {
    const model = modelOf(stagedStart(1, 1, START));
    expect(model.at(START + 5000).elapsedMs).toBe(5000);
    expect(model.at(START - 5000).elapsedMs).toBe(0);
    model.apply(stamp({ type: 'run-ended', runId: 'run-1', outcome: 'interrupted', message: '' }, 7000));
    expect(model.at(START + 60_000)).toMatchObject({ elapsedMs: 7000, state: 'ended', remainingMs: null });
  });

  test('the plan tells what is left where it knows, else the pace does', () => {
    const events = [...stagedStart(2, 6, START), ...stagedEnd(1, 'landed', START, 60_000)];
    expect(modelOf(events, () => 12).at(START + 60_000).remainingMs).toBe(12 * 60_000);
    expect(modelOf(events, () => undefined).at(START + 60_000).remainingMs).toBe((4 * 60_000 + 15_000) / 2);
    expect(modelOf(stagedStart(2, 6, START)).at(START).remainingMs).toBeNull();
  });

  test('an estimate is a sensible figure or none', () => {
    const anyNumber = fc.oneof(fc.double(), fc.integer());
    fc.assert(
      fc.property(
        fc.record({
          plannedMinutes: fc.option(anyNumber, { nil: undefined }),
          waiting: fc.nat(),
          runningForMs: fc.array(anyNumber, { maxLength: 20 }),
          workers: fc.integer({ min: 1, max: 64 }),
          finishedMs: fc.array(anyNumber, { maxLength: 20 }),
        }),
        (pace) => {
          const remaining = estimateRemaining(pace);
          if (remaining === null) return;
          expect(remaining).toBeGreaterThanOrEqual(0);
          expect(remaining).toBeLessThanOrEqual(8 * 24 * 3_600_000);
        },
      ),
      { numRuns: cases(3000) },
    );
  });
});
