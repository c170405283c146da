import { Scheduler } from '../src/engine/scheduler.ts';
import { buildTaskGraph, type TaskGraph } from '../src/domain/task-graph.ts';
import type { Task, TaskId } from '../src/domain/task.ts';
import { makeTask } from '../tests/rig/arbitrary-tasks.ts';
import { manyDrafts } from './many-tasks.ts';

// How near a run comes to the shortest time that any order could take, max(longest chain, total work / workers), where
// tasks take other times than was expected: 200 tasks of log-normal length, 8 workers.
const TASKS = 200;
const SLOTS = 8;
const SEEDS = Number(process.env['SEEDS'] ?? 500);
const PROMISES = [
  { error: 'exact estimates', sigma: 0, promise: 1.005 },
  { error: 'wrong by 1.65 ×', sigma: 0.5, promise: 1.015 },
  { error: 'wrong by 2.7 ×', sigma: 1, promise: 1.03 },
];

type Random = () => number;

/** Which tasks each one needs, by index. */
const FAMILIES: Readonly<Record<string, (random: Random) => number[][]>> = {
  layered: (random) =>
    Array.from({ length: TASKS }, (_, index) => {
      const layer = Math.floor(index / 20);
      if (layer === 0) return [];
      return picks(1 + Math.floor(random() * 3), () => (layer - 1) * 20 + Math.floor(random() * 20));
    }),
  random: (random) =>
    Array.from({ length: TASKS }, (_, index) =>
      index === 0 ? [] : picks(Math.floor(random() * 4), () => Math.floor(random() * index)),
    ),
  chains: (random) => {
    const needs: number[][] = Array.from({ length: 10 }, () => []);
    while (needs.length < TASKS) {
      let before = Math.floor(random() * 10);
      const length = 1 + Math.floor(random() * 8);
      for (let link = 0; link < length && needs.length < TASKS; link++) {
        needs.push([before]);
        before = needs.length - 1;
      }
    }
    return needs;
  },
};

console.log('makespan / bound, mean of the seeds'.padEnd(38), ...Object.keys(FAMILIES), 'all', 'promised');
for (const { error, sigma, promise } of PROMISES) {
  const means = Object.values(FAMILIES).map((family) => {
    let sum = 0;
    for (let seed = 1; seed <= SEEDS; seed++) sum += ratioOf(family, sigma, seed);
    return sum / SEEDS;
  });
  const all = means.reduce((sum, mean) => sum + mean, 0) / means.length;
  console.log(error.padEnd(38), ...[...means, all].map((mean) => mean.toFixed(4)), `≤ ${promise}`);
}
timeEvents(100_000);

function ratioOf(family: (random: Random) => number[][], sigma: number, seed: number): number {
  const random = mulberry(seed * 7919);
  const needs = family(random);
  const minutes = needs.map(() => 8 * Math.exp(gauss(random)));
  const graph = graphOf(
    needs.map((of, index) =>
      makeTask(String(index + 1), {
        dependencies: of.map((need) => String(need + 1)),
        estimateMinutes: (minutes[index] ?? 0) * Math.exp(sigma * gauss(random)),
      }),
    ),
  );
  const taken = ({ id }: Pick<Task, 'id'>): number => minutes[Number(id) - 1] ?? 0;
  const longest = Math.max(...graph.remainingPath(taken).values());
  const total = minutes.reduce((sum, one) => sum + one, 0);
  return makespan(graph, (id) => taken({ id })) / Math.max(longest, total / SLOTS);
}

function makespan(graph: TaskGraph, minutesOf: (id: TaskId) => number): number {
  const estimate = ({ estimateMinutes }: Pick<Task, 'estimateMinutes'>): number => estimateMinutes ?? 1;
  const scheduler = new Scheduler(graph, { slots: SLOTS, failureMode: 'continue', estimate });
  const running: { id: TaskId; end: number }[] = [];
  let now = 0;
  for (;;) {
    for (const { id } of scheduler.take(now)) running.push({ id, end: now + minutesOf(id) });
    const next = running.sort((a, b) => b.end - a.end).pop();
    if (next === undefined) return now;
    now = next.end;
    scheduler.end(next.id, { kind: 'done' });
  }
}

/** What the scheduler itself costs in a large run: to be made, and for each task that starts and ends. */
function timeEvents(count: number): void {
  for (const [kind, drafts] of [
    ['of which none needs another', manyDrafts(count).map((draft) => ({ ...draft, dependencies: [] }))],
    ['in a graph', manyDrafts(count)],
  ] as const) {
    const graph = graphOf(drafts.map(({ id, ...draft }) => makeTask(id, draft)));
    const start = performance.now();
    const estimate = ({ estimateMinutes }: Pick<Task, 'estimateMinutes'>): number => estimateMinutes ?? 1;
    const scheduler = new Scheduler(graph, { slots: SLOTS, failureMode: 'continue', estimate });
    const made = performance.now();
    for (let taken = scheduler.take(0); taken.length > 0; taken = scheduler.take(0))
      for (const { id } of taken) scheduler.end(id, { kind: 'done' });
    const done = performance.now();
    const perTask = ((1000 * (done - made)) / count).toFixed(1);
    console.log(
      `${count} tasks ${kind}: ready in ${(made - start).toFixed(0)} ms, then ${perTask} µs a task`,
    );
  }
}

function graphOf(tasks: readonly Task[]): TaskGraph {
  const graph = buildTaskGraph(tasks);
  if (!graph.ok) throw new Error('The graph is not valid.');
  return graph.value;
}

function picks(count: number, pick: () => number): number[] {
  return [...new Set(Array.from({ length: count }, pick))];
}

function gauss(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** The same numbers for the same seed, on every machine. */
function mulberry(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
