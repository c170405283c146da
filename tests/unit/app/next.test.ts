import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findNext } from '../../../src/app/next.ts';
import { viewTask, type TaskBoard } from '../../../src/app/tasks/view.ts';
import { learnEstimates } from '../../../src/domain/estimate.ts';
import { TASK_STATUSES, isSettled, type Size, type Task, type TaskStatus } from '../../../src/domain/task.ts';
import { makeTask } from '../../rig/arbitrary-tasks.ts';
import { buildTaskGraph, type TaskGraph } from '../../../src/domain/task-graph.ts';
import { cases } from '../../rig/effort.ts';

describe('findNext', () => {
  it('takes the task on the longest chain, and says so', () => {
    const { next, alsoReady } = findNext(
      board([task('1', [], 'pending', 'S'), task('2'), task('3', ['2'], 'pending', 'XL')]),
    );
    expect(next).toMatchObject({ id: '2', ready: true, expectedMinutes: 8 });
    expect(next?.why).toBe('53 min of work from here to the end of its chain, priority medium');
    expect(alsoReady).toEqual(['1']);
  });

  it('tells what everything waits for, the one that holds up the most first', () => {
    const found = findNext(
      board([
        task('1', [], 'deferred'),
        task('2', [], 'in-progress'),
        task('3', ['2']),
        task('4', ['1', '3']),
      ]),
    );
    expect(found).toEqual({
      next: null,
      alsoReady: [],
      waitingFor: [
        { id: '2', title: 'Task 2', status: 'in-progress', holdsUp: 2 },
        { id: '1', title: 'Task 1', status: 'deferred', holdsUp: 1 },
      ],
    });
  });

  it('names a ready task wherever there is one, and else a reason wherever something is open', () => {
    const statuses = fc.array(
      fc.record({ status: fc.constantFrom(...TASK_STATUSES), needs: fc.array(fc.nat(20), { maxLength: 3 }) }),
      { maxLength: 15 },
    );
    fc.assert(
      fc.property(statuses, (shapes) => {
        const tasks = shapes.map(({ status, needs }, index) =>
          task(
            String(index + 1),
            [...new Set(needs.filter((need) => need < index).map((need) => String(need + 1)))],
            status,
          ),
        );
        const all = board(tasks);
        const ready = tasks.filter((each) => viewTask(all, each).ready).map(({ id }) => id);
        const { next, alsoReady, waitingFor } = findNext(all);
        const found = next === null ? [] : [next.id, ...alsoReady];
        expect(found.sort()).toEqual(ready.sort());
        const isOpen = tasks.some(({ status }) => !isSettled(status));
        expect(waitingFor.length > 0).toBe(next === null && isOpen);
      }),
      { numRuns: cases(2000) },
    );
  });
});

function board(tasks: readonly Task[]): TaskBoard<TaskGraph> {
  const graph = buildTaskGraph(tasks);
  if (!graph.ok) throw new Error('The tasks of the test are no graph.');
  return { links: graph.value, estimate: learnEstimates([]), tasks };
}

function task(
  id: string,
  dependencies: readonly string[] = [],
  status: TaskStatus = 'pending',
  size: Size = 'M',
): Task {
  return makeTask(id, { dependencies, status, size });
}
