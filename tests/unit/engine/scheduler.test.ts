import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { learnEstimates } from '../../../src/domain/estimate.ts';
import {
  FAILURE_MODES,
  predictMinutes,
  Scheduler,
  type FailureMode,
  type NextStep,
} from '../../../src/engine/scheduler.ts';
import { buildTaskGraph, type TaskGraph } from '../../../src/domain/task-graph.ts';
import type { Task } from '../../../src/domain/task.ts';
import { arbitraryTasks, makeTask } from '../../rig/arbitrary-tasks.ts';
import { cases } from '../../rig/effort.ts';

const estimate = learnEstimates([]);

/** The world of a scheduler: what happens to each start of a task, and how long it takes. */
const arbitraryWorld = fc.record({
  tasks: arbitraryTasks(),
  slots: fc.integer({ min: 1, max: 6 }),
  failureMode: fc.constantFrom(...FAILURE_MODES),
  fates: fc.array(
    fc.record({
      verdict: fc.constantFrom('done', 'done', 'done', 'failed', 'retry', 'released'),
      minutes: fc.integer({ min: 1, max: 20 }),
    }),
    { minLength: 1, maxLength: 40 },
  ),
});
type World = typeof arbitraryWorld extends fc.Arbitrary<infer T> ? T : never;

describe('Scheduler', () => {
  it('keeps its laws over random graphs, failures and retries', () => {
    fc.assert(
      fc.property(arbitraryWorld, (world) => void play(world)),
      { numRuns: cases(2000) },
    );
  });

  it('makes the same choices for the same input', () => {
    fc.assert(
      fc.property(arbitraryWorld, (world) => {
        expect(play(world)).toEqual(play(world));
      }),
      { numRuns: cases(500) },
    );
  });

  it('does everything when nothing fails', () => {
    fc.assert(
      fc.property(arbitraryTasks(), fc.integer({ min: 1, max: 8 }), (tasks, slots) => {
        const graph = graphOf(tasks);
        const log = play({ tasks, slots, failureMode: 'continue', fates: [{ verdict: 'done', minutes: 3 }] });
        expect(log.map(({ id }) => id).sort()).toEqual([...graph.leaves()].sort());
      }),
      { numRuns: cases(500) },
    );
  });

  it('is never worse than the list-scheduling bound', () => {
    fc.assert(
      fc.property(arbitraryTasks(), fc.integer({ min: 1, max: 8 }), (tasks, slots) => {
        const graph = graphOf(tasks);
        const total = graph.leaves().reduce((sum, id) => sum + estimate(taskOf(graph, id)), 0);
        const critical = Math.max(...graph.remainingPath(estimate).values());
        const predicted = predictMinutes(graph, slots, estimate);
        expect(predicted).toBeGreaterThanOrEqual(Math.max(critical, total / slots) - 1e-6);
        expect(predicted).toBeLessThanOrEqual(total / slots + critical + 1e-6);
      }),
      { numRuns: cases(500) },
    );
  });

  it('runs a task again that a person reopens', () => {
    const scheduler = new Scheduler(graphOf([makeTask('1')]), {
      slots: 1,
      failureMode: 'continue',
      estimate,
    });
    for (const [verdict, meanwhile] of [
      ['released', 'cancelled'],
      ['failed', 'failed'],
      ['done', 'done'],
    ] as const) {
      expect(scheduler.take(0).map(({ id }) => id)).toEqual(['1']);
      scheduler.end('1', { kind: verdict });
      scheduler.update(graphOf([makeTask('1', { status: meanwhile })]));
      expect(scheduler.take(0), verdict).toEqual([]);
      scheduler.update(graphOf([makeTask('1', { status: 'pending' })]));
    }
    expect(scheduler.take(0).map(({ id }) => id)).toEqual(['1']);
  });

  it('prefers the longest remaining path, then priority, then the smaller id', () => {
    const graph = graphOf([
      makeTask('1', { estimateMinutes: 5 }),
      makeTask('2', { estimateMinutes: 5, priority: 'critical' }),
      makeTask('3', { estimateMinutes: 1 }),
      makeTask('4', { estimateMinutes: 30, dependencies: ['3'] }),
      makeTask('10', { estimateMinutes: 5 }),
    ]);
    const scheduler = new Scheduler(graph, { slots: 9, failureMode: 'continue', estimate });
    expect(scheduler.take(0).map(({ id }) => id)).toEqual(['3', '2', '1', '10']);
  });

  it('finishes interrupted tasks before it starts others', () => {
    const graph = graphOf([makeTask('1'), makeTask('2'), makeTask('3', { dependencies: ['1'] })]);
    const scheduler = new Scheduler(graph, { slots: 2, failureMode: 'continue', estimate });
    expect(scheduler.take(0).map(({ id }) => id)).toEqual(['1', '2']);
    scheduler.end('1', { kind: 'retry', at: 0 });
    scheduler.end('2', { kind: 'retry', at: 0, ahead: true });
    expect(scheduler.take(0, 1).map(({ id }) => id)).toEqual(['2']);
  });

  it('takes over tasks that are added, settled, deferred or cancelled while it works', () => {
    const first = [
      makeTask('1'),
      makeTask('2', { dependencies: ['1'] }),
      makeTask('3', { dependencies: ['1'] }),
    ];
    const scheduler = new Scheduler(graphOf(first), { slots: 4, failureMode: 'continue', estimate });
    expect(scheduler.take(0).map(({ id }) => id)).toEqual(['1']);
    scheduler.update(
      graphOf([
        makeTask('1', { status: 'in-progress' }),
        makeTask('2', { status: 'deferred', dependencies: ['1'] }),
        makeTask('3', { dependencies: ['1'] }),
        makeTask('4'),
        makeTask('5', { dependencies: ['6'] }),
        makeTask('6', { status: 'cancelled' }),
      ]),
    );
    expect(scheduler.take(0).map(({ id }) => id)).toEqual(['4', '5']);
    for (const id of ['1', '4', '5']) scheduler.end(id, { kind: 'done' });
    expect(scheduler.take(0).map(({ id }) => id)).toEqual(['3']);
    scheduler.end('3', { kind: 'done' });
    expect(scheduler.finished).toBe(true);
    expect(Object.fromEntries(scheduler.results())).toEqual({
      '1': 'done',
      '3': 'done',
      '4': 'done',
      '5': 'done',
    });
  });

  it('counts an adopted task against the slots', () => {
    const graph = graphOf([makeTask('1', { status: 'in-progress' }), makeTask('2'), makeTask('3')]);
    const scheduler = new Scheduler(graph, { slots: 2, failureMode: 'continue', estimate });
    scheduler.adopt('1');
    expect(scheduler.take(0)).toHaveLength(1);
    scheduler.end('1', { kind: 'done' });
    expect(scheduler.take(0)).toHaveLength(1);
  });
});

/** Plays a run on a virtual clock and checks the laws at every step. Returns each start with its time. */
function play({ tasks, slots, failureMode, fates }: World): { id: string; at: number }[] {
  const graph = graphOf(tasks);
  const scheduler = new Scheduler(graph, { slots, failureMode: failureMode satisfies FailureMode, estimate });
  const running: { id: string; end: number; verdict: NextStep }[] = [];
  const log: { id: string; at: number }[] = [];
  const done = new Set<string>();
  const starts = new Map<string, number>();
  const dueAt = new Map<string, number>();
  let failed = false;
  let now = 0;
  for (let step = 0; step < 10_000; step++) {
    for (const { id } of scheduler.take(now)) {
      const needs = graph.needs(id).flatMap((need) => (graph.isGroup(need) ? graph.needs(need) : [need]));
      if (!needs.every((need) => done.has(need))) throw new Error(`${id} started before what it needs`);
      if (done.has(id) || running.some((other) => other.id === id)) throw new Error(`${id} started twice`);
      if (now < (dueAt.get(id) ?? 0)) throw new Error(`${id} started before its retry was due`);
      if (failed && failureMode !== 'continue') throw new Error(`${id} started after a failure`);
      const start = (starts.get(id) ?? 0) + 1;
      starts.set(id, start);
      const fate = fates[(log.length * 7 + Number.parseInt(id)) % fates.length] ?? {
        verdict: 'done',
        minutes: 1,
      };
      const end = now + fate.minutes;
      const verdict: NextStep =
        fate.verdict === 'retry'
          ? start > 3
            ? { kind: 'failed' }
            : { kind: 'retry', at: end + 2 }
          : { kind: fate.verdict };
      if (verdict.kind === 'retry') dueAt.set(id, verdict.at);
      running.push({ id, end, verdict });
      log.push({ id, at: now });
    }
    if (running.length > slots) throw new Error(`${running.length} run at once`);
    if (running.length < slots && scheduler.ready().length > 0 && (failureMode === 'continue' || !failed)) {
      throw new Error('a ready task waits while a slot is free');
    }
    if (scheduler.finished) break;
    running.sort((a, b) => b.end - a.end);
    const wake = scheduler.nextWakeAt() ?? Infinity;
    const next = running.at(-1);
    if (next === undefined && wake === Infinity) throw new Error('nothing runs and nothing will');
    now = Math.min(next?.end ?? Infinity, wake);
    if (next === undefined || next.end > now) continue;
    running.pop();
    scheduler.end(next.id, next.verdict);
    if (next.verdict.kind === 'done') done.add(next.id);
    if (next.verdict.kind === 'failed') failed = true;
  }
  const results = scheduler.results();
  expect([...results.keys()].sort()).toEqual([...graph.leaves()].sort());
  for (const [id, result] of results) expect(result === 'done').toBe(done.has(id));
  const counts = scheduler.counts();
  expect(counts.done + counts.failed + counts.running + counts.waiting).toBe(counts.total);
  return log;
}

function graphOf(tasks: readonly Task[]): TaskGraph {
  const graph = buildTaskGraph(tasks);
  if (!graph.ok) throw new Error('invalid graph');
  return graph.value;
}

function taskOf(graph: TaskGraph, id: string): Task {
  const task = graph.nodes.get(id);
  if (task === undefined) throw new Error(`no task ${id}`);
  return task;
}
