import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findNext } from '../../../src/app/next.ts';
import { type TaskBoard, countTasks, viewTask } from '../../../src/app/tasks/view.ts';
import { learnEstimates } from '../../../src/domain/estimate.ts';
import { explainPlace } from '../../../src/engine/ready-queue.ts';
import {
  deriveGroupStatus,
  parentOf,
  PRIORITIES,
  SIZES,
  TASK_STATUSES,
  type Task,
} from '../../../src/domain/task.ts';
import { buildTaskGraph, type TaskGraph } from '../../../src/domain/task-graph.ts';
import { OutlinedTasks, type TaskOutline } from '../../../src/domain/task-outline.ts';
import { arbitraryTasks } from '../../rig/arbitrary-tasks.ts';
import { cases } from '../../rig/effort.ts';

/** Lists in any state; a group has the status that follows from its subtasks. */
const lists = fc
  .tuple(arbitraryTasks(20), fc.array(fc.constantFrom(...TASK_STATUSES), { minLength: 80, maxLength: 80 }))
  .map(([tasks, statuses]) => {
    const set = tasks.map((task, index): Task => ({ ...task, status: statuses[index] ?? 'pending' }));
    return set.map((task) => {
      const subtasks = set.filter(({ id }) => parentOf(id) === task.id);
      return { ...task, status: deriveGroupStatus(subtasks.map(({ status }) => status)) ?? task.status };
    });
  });

describe('the outline of a list', () => {
  it('gives the same counts as the tasks themselves', () => {
    fc.assert(
      fc.property(lists, (tasks) => {
        const board = boardOf(tasks);
        const counts = countTasks(tasks.map((task) => viewTask(board, task)));
        expect(new OutlinedTasks(outlineOf(tasks)).counts()).toEqual(counts);
      }),
      { numRuns: cases(500) },
    );
  });

  it('orders the ready tasks as the scheduler does, for the same reasons', () => {
    fc.assert(
      fc.property(lists, (tasks) => {
        const board = boardOf(tasks);
        const { next, alsoReady } = findNext(board);
        const ready = new OutlinedTasks(outlineOf(tasks)).ready(board.estimate) ?? [];
        expect(ready.map(({ id }) => id)).toEqual(next === null ? [] : [next.id, ...alsoReady]);
        const [first] = ready;
        if (first === undefined || next === null) return;
        expect(explainPlace(next, first.path, board.estimate)).toBe(next.why);
      }),
      { numRuns: cases(500) },
    );
  });

  it('has no order where there is a cycle', () => {
    const [first, second] = [{ id: '1' }, { id: '2' }];
    const tasks = [
      { ...first, dependencies: ['2'] },
      { ...second, dependencies: ['1'] },
    ].map((fields) => ({ ...BARE, ...fields }));
    expect(new OutlinedTasks(outlineOf(tasks)).ready(learnEstimates([]))).toBeUndefined();
  });
});

type Outlined = Pick<Task, 'id' | 'status' | 'priority' | 'size' | 'estimateMinutes' | 'dependencies'>;

const BARE: Omit<Outlined, 'id' | 'dependencies'> = {
  status: 'pending',
  priority: 'medium',
  size: null,
  estimateMinutes: null,
};

/** The outline that the store reads for these tasks. */
function outlineOf(tasks: readonly Outlined[]): TaskOutline {
  const key = (id: string): [number: number, sub: number] => {
    const [number = 0, sub = 0] = id.split('.').map(Number);
    return [number, sub];
  };
  const edges = tasks.flatMap(({ id, dependencies }) =>
    dependencies.map((need) => [...key(id), ...key(need)]),
  );
  return {
    numbers: tasks.map(({ id }) => key(id)[0]),
    subs: tasks.map(({ id }) => key(id)[1]),
    statuses: tasks.map(({ status }) => TASK_STATUSES.indexOf(status)),
    priorities: tasks.map(({ priority }) => PRIORITIES.indexOf(priority)),
    sizes: tasks.map(({ size }) => (size === null ? SIZES.length : SIZES.indexOf(size))),
    estimates: tasks.map(({ estimateMinutes }) => estimateMinutes),
    dependencies: {
      numbers: edges.map(([number = 0]) => number),
      subs: edges.map(([, sub = 0]) => sub),
      needsNumbers: edges.map(([, , number = 0]) => number),
      needsSubs: edges.map(([, , , sub = 0]) => sub),
    },
  };
}

function boardOf(tasks: readonly Task[]): TaskBoard<TaskGraph> {
  const graph = buildTaskGraph(tasks);
  if (!graph.ok) throw new Error('The tasks of the test are no graph.');
  return { links: graph.value, estimate: learnEstimates([]), tasks };
}
