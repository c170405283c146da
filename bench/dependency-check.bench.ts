import { buildTaskGraph } from '../src/domain/task-graph.ts';
import { compare } from './measure.ts';

// A ladder, each task needing the two before it, has 2^n paths; a check that walks paths needs minutes at n = 40.
const ladder = (count: number) =>
  Array.from({ length: count }, (_, index) => ({
    id: String(index + 1),
    title: 'step',
    dependencies: [index - 1, index].filter((id) => id >= 1).map(String),
  }));

const time = (count: number) => {
  const tasks = ladder(count);
  return () => {
    const start = performance.now();
    if (!buildTaskGraph(tasks).ok) throw new Error('The ladder has no cycle.');
    return performance.now() - start;
  };
};

const floor = 'ladder of 10,000';
await compare(
  [
    { name: 'ladder of 40', run: time(40) },
    { name: floor, run: time(10_000) },
    { name: 'ladder of 100,000', floor, run: time(100_000) },
  ],
  7,
);
