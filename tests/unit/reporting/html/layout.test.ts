import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { drawGraph, type GraphDrawing } from '../../../../src/reporting/html/graph-drawing.ts';
import { localClock } from '../../../../src/reporting/html/local-clock.ts';
import { phaseTimes, timelineOf, totalTime, type Timeline } from '../../../../src/reporting/html/timeline.ts';
import { ticks } from '../../../../src/reporting/html/ticks.ts';
import type { Attempt } from '../../../../src/domain/attempt.ts';
import type { Stamped } from '../../../../src/domain/event.ts';
import { buildTaskGraph } from '../../../../src/domain/task-graph.ts';
import type { TaskId } from '../../../../src/domain/task.ts';
import { arbitraryTasks } from '../../../rig/arbitrary-tasks.ts';
import { recordedNight } from '../../../rig/recorded-night.ts';
import { cases } from '../../../rig/effort.ts';

const START = Date.UTC(2026, 2, 3, 22);
const iso = (at: number): string => new Date(at).toISOString();
const NIGHT = recordedNight({ tasks: 30, workers: 1, seed: 1 });
const RUN = { ...NIGHT.run, startedAt: iso(START), endedAt: iso(START + 10_000) };
const [SAMPLE] = NIGHT.attempts;

/** Attempts and phases around a run of ten seconds, as no run has them: the laws hold for any. */
const chaos = fc.array(
  fc.record({
    from: fc.integer({ min: -3000, max: 12_000 }),
    length: fc.integer({ min: -50, max: 6000 }),
    hasEnded: fc.boolean(),
    phases: fc.array(fc.integer({ min: -4000, max: 13_000 }), { maxLength: 4 }),
  }),
  { maxLength: 40 },
);

function layOut(all: typeof chaos extends fc.Arbitrary<infer T> ? T : never): Timeline {
  const events: Stamped[] = [];
  const attempts = all.map(({ from, length, hasEnded, phases }, index): Attempt => {
    if (SAMPLE === undefined) throw new Error('The night has no attempt.');
    for (const [at, phase] of (['working', 'verifying', 'reviewing', 'landing'] as const).entries()) {
      const offset = phases[at];
      if (offset === undefined) break;
      events.push({
        type: 'attempt-phase',
        attemptId: index + 1,
        taskId: '1',
        phase,
        at: iso(START + offset),
      });
    }
    return {
      ...SAMPLE,
      id: index + 1,
      runId: from < 0 ? 'an earlier run' : RUN.id,
      startedAt: iso(START + from),
      endedAt: hasEnded ? iso(START + from + length) : null,
    };
  });
  return timelineOf(RUN, attempts, events, START + 99_000);
}

describe('the timeline', () => {
  test('puts every attempt into a lane in which it overlaps no other, within the run', () => {
    fc.assert(
      fc.property(chaos, (all) => {
        const { bars, lanes, start, end } = layOut(all);
        expect(bars).toHaveLength(all.length);
        for (const bar of bars) {
          expect(bar.start >= start && bar.start <= bar.end && bar.end <= end).toBe(true);
          expect(bar.lane).toBeLessThan(lanes);
        }
        for (let lane = 0; lane < lanes; lane++) {
          const own = bars.filter((bar) => bar.lane === lane);
          own
            .slice(1)
            .forEach((bar, index) => expect(bar.start).toBeGreaterThanOrEqual(own[index]?.end ?? NaN));
        }
      }),
      { numRuns: cases(1000) },
    );
  });

  test('needs no more lanes than attempts were at work at once', () => {
    fc.assert(
      fc.property(chaos, (all) => {
        const { bars, lanes } = layOut(all);
        const atOnce = bars.map(
          ({ start }) => bars.filter((bar) => bar.start <= start && start < bar.end).length,
        );
        // One that lasted no time takes a lane too.
        expect(lanes).toBeLessThanOrEqual(Math.max(0, ...atOnce) + 1);
      }),
      { numRuns: cases(1000) },
    );
  });

  test('fills every bar with its phases', () => {
    fc.assert(
      fc.property(chaos, (all) => {
        for (const bar of layOut(all).bars) {
          let at = bar.start;
          for (const phase of bar.phases) {
            expect(phase.start).toBe(at);
            expect(phase.end).toBeGreaterThan(at);
            at = phase.end;
          }
          expect(at).toBe(bar.end);
          const times = [...phaseTimes(bar).values()].reduce((sum, time) => sum + time, 0);
          expect(times).toBe(totalTime([bar]));
        }
      }),
      { numRuns: cases(1000) },
    );
  });

  test('tells pauses from when they began to when they were over, or to the end', () => {
    const pause = (seconds: number, message: string): Stamped => ({
      type: 'run-paused',
      runId: 'run-1',
      reason: 'usage-limit',
      until: iso(START),
      message,
      at: iso(START + seconds * 1000),
    });
    const over: Stamped = {
      type: 'run-resumed',
      runId: 'run-1',
      reason: 'usage-limit',
      at: iso(START + 4000),
    };
    const events = [pause(1, 'first'), pause(2, 'longer'), over, over, pause(9, 'to the end')];
    const { pauses } = timelineOf(RUN, [], events, START);
    expect(pauses.map(({ start, end, message }) => [start - START, end - START, message])).toEqual([
      [1000, 4000, 'longer'],
      [9000, 10_000, 'to the end'],
    ]);
  });

  test('marks an attempt that a killed run began, and cuts off what was before', () => {
    const { bars, start } = layOut([{ from: -2000, length: 5000, hasEnded: true, phases: [-1000] }]);
    expect(bars).toMatchObject([
      {
        isTakenOver: true,
        start,
        end: start + 3000,
        phases: [{ phase: 'working', start, end: start + 3000 }],
      },
    ]);
  });
});

describe('the axis', () => {
  const zones = fc.constantFrom(
    'UTC',
    'Europe/Berlin',
    'America/New_York',
    'Asia/Kolkata',
    'Australia/Lord_Howe',
    'Asia/Kathmandu',
  );
  const spans = fc.tuple(
    fc.integer({ min: Date.UTC(2026, 0), max: Date.UTC(2027, 0) }),
    fc.oneof(
      fc.integer({ min: 0, max: 90_000 }),
      fc.integer({ min: 0, max: 30 * 86_400_000 }),
      fc.integer({ min: 0, max: 900 * 86_400_000 }),
    ),
    fc.integer({ min: 2, max: 20 }),
  );

  test('has a few marks in the order of time, at round local times, all within the run', () => {
    fc.assert(
      fc.property(zones, spans, (zone, [start, length, most]) => {
        const found = ticks(start, start + length, most, localClock(zone));
        expect(found.length).toBeLessThanOrEqual(most + 1);
        for (const [index, { at, label }] of found.entries()) {
          expect(at >= start && at <= start + length).toBe(true);
          expect(at).toBeGreaterThan(found[index - 1]?.at ?? -Infinity);
          expect(label).toMatch(/^\d\d:\d\d(:\d\d)?$/);
        }
        expect(found[0]?.day ?? '').not.toBe(found.length === 0 ? null : '');
      }),
      { numRuns: cases(1000) },
    );
  });

  test('covers the run: the marks leave nowhere a gap of more than a few of their steps', () => {
    fc.assert(
      fc.property(zones, spans, (zone, [start, length]) => {
        fc.pre(length > 60_000);
        const found = ticks(start, start + length, 12, localClock(zone));
        const points = [start, ...found.map(({ at }) => at), start + length];
        const widest = Math.max(...points.slice(1).map((at, index) => at - (points[index] ?? at)));
        expect(widest / length).toBeLessThan(0.5);
      }),
      { numRuns: cases(1000) },
    );
  });

  test('keeps to whole hours when the clocks change', () => {
    const start = Date.parse('2026-03-28T20:10:00Z');
    const found = ticks(start, start + 12 * 3_600_000, 6, localClock('Europe/Berlin'));
    expect(found.map(({ label, day }) => [label, day])).toEqual([
      ['00:00', 'Sun 29 Mar'],
      ['03:00', null],
      ['06:00', null],
      ['09:00', null],
    ]);
  });
});

describe('the drawing of dependencies', () => {
  const drawn = fc.tuple(arbitraryTasks(25), fc.integer({ min: 1, max: 5 })).map(([tasks, nth]) => {
    const graph = buildTaskGraph(tasks);
    if (!graph.ok) throw new Error('The tasks are no graph.');
    const shown = new Set(graph.value.leaves().filter((_, index) => index % nth === 0));
    const drawing = drawGraph(tasks, shown);
    if (drawing === undefined) throw new Error('Nothing was drawn.');
    return { graph: graph.value, shown, drawing };
  });

  test('shows everything that is asked for once, each in a place of its own', () => {
    fc.assert(
      fc.property(drawn, ({ shown, drawing }) => {
        const { nodes, single, waves } = drawing;
        const all = [...nodes.map(({ id }) => id), ...single];
        expect(new Set(all).size).toBe(all.length);
        for (const id of shown) expect(all).toContain(id);
        expect(waves.flat().sort()).toEqual(all.sort());
        expect(new Set(nodes.map(({ column, row }) => `${column} ${row}`)).size).toBe(nodes.length);
      }),
      { numRuns: cases(1000) },
    );
  });

  test('leads from left to right, and leaves out only what follows from the rest', () => {
    fc.assert(
      fc.property(drawn, ({ graph, shown, drawing }) => {
        const column = new Map(drawing.nodes.map((node) => [node.id, node.column]));
        for (const [from, to] of drawing.edges) expect(column.get(from)).toBeLessThan(column.get(to) ?? -1);
        for (const id of shown)
          for (const need of graph.needs(id).flatMap((each) => graph.workOf(each)))
            expect(ways(drawing.edges, need, id)).toBeGreaterThan(0);
        for (const edge of drawing.edges) {
          const others = drawing.edges.filter((each) => each !== edge);
          expect(ways(others, ...edge)).toBe(0);
        }
      }),
      { numRuns: cases(300) },
    );
  });
});

/** 1 where one can get from one task to the other along edges, else 0. */
function ways(edges: GraphDrawing['edges'], from: TaskId, to: TaskId): number {
  const seen = new Set([from]);
  for (const at of seen) for (const [a, b] of edges) if (a === at) seen.add(b);
  return seen.has(to) ? 1 : 0;
}
