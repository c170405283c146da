import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type TaskGraph,
  buildTaskGraph,
  describeGraphProblem,
  checkReadiness,
} from '../../../src/domain/task-graph.ts';
import type { Task } from '../../../src/domain/task.ts';
import { arbitraryTasks, makeTask } from '../../rig/arbitrary-tasks.ts';
import { cases } from '../../rig/effort.ts';

describe('buildTaskGraph', () => {
  it('orders every valid list so that each task comes after its needs', () => {
    fc.assert(
      fc.property(arbitraryTasks(), (tasks) => {
        const graph = valid(tasks);
        const position = new Map(graph.order.map((id, index) => [id, index]));
        expect(position.size).toBe(tasks.length);
        for (const id of graph.order) {
          for (const need of graph.needs(id)) expect(position.get(need)).toBeLessThan(position.get(id) ?? -1);
        }
      }),
      { numRuns: cases(1000) },
    );
  });

  it('finds the same graph for any order of the list', () => {
    fc.assert(
      fc.property(
        arbitraryTasks().chain((tasks) =>
          fc.tuple(fc.constant(tasks), fc.shuffledSubarray(tasks, { minLength: tasks.length })),
        ),
        ([tasks, shuffled]) => {
          expect(valid(shuffled).order).toEqual(valid(tasks).order);
        },
      ),
      { numRuns: cases(500) },
    );
  });

  it('finds a cycle exactly when an edge back to an ancestor was added, and each link of it exists', () => {
    fc.assert(
      fc.property(arbitraryTasks(15), fc.nat(), fc.nat(), (tasks, a, b) => {
        const graph = valid(tasks);
        const leaves = graph.leaves();
        const from = leaves[a % leaves.length] ?? '';
        const to = leaves[b % leaves.length] ?? '';
        fc.pre(from !== to);
        const changed = tasks.map((task) =>
          task.id === from ? { ...task, dependencies: [...task.dependencies, to] } : task,
        );
        const result = buildTaskGraph(changed);
        expect(result.ok).toBe(!ancestors(graph, to).has(from));
        if (result.ok) return;
        for (const problem of result.error) {
          if (problem.kind !== 'cycle')
            throw new Error(`Expected only cycles, got ${describeGraphProblem(problem)}`);
          expect(problem.path.length).toBeGreaterThan(1);
          expect(problem.path.at(0)).toBe(problem.path.at(-1));
          problem.path.slice(1).forEach((need, index) => {
            const id = problem.path[index] ?? '';
            expect(graph.needs(id).includes(need) || (id === from && need === to)).toBe(true);
          });
        }
      }),
      { numRuns: cases(1000) },
    );
  });

  it('reports every problem at once', () => {
    const result = buildTaskGraph([
      makeTask('1', { dependencies: ['3'] }),
      makeTask('2', { dependencies: ['2', '9'] }),
      makeTask('3', { dependencies: ['1'] }),
      makeTask('4', { title: '  ' }),
      makeTask('4'),
      makeTask('7.1'),
    ]);
    expect(result.ok ? [] : result.error.map(describeGraphProblem)).toEqual([
      'Task 4 has an empty title.',
      'Id 4 is used by more than one task.',
      'Task 2 depends on itself.',
      'Task 2 depends on 9, which does not exist.',
      'Subtask 7.1 has no parent task.',
      'Tasks wait for each other in a cycle: 1 → 3 → 1 (each needs the next).',
    ]);
  });

  it('takes apart several cycles, each in the order of its links', () => {
    const result = buildTaskGraph([
      makeTask('1', { dependencies: ['2'] }),
      makeTask('2', { dependencies: ['3'] }),
      makeTask('3', { dependencies: ['1'] }),
      makeTask('4', { dependencies: ['5', '1'] }),
      makeTask('5', { dependencies: ['4'] }),
    ]);
    const paths = result.ok
      ? []
      : result.error.map((problem) => (problem.kind === 'cycle' ? problem.path : []));
    expect(paths).toEqual([
      ['1', '2', '3', '1'],
      ['4', '5', '4'],
    ]);
  });

  it('takes linear time: a ladder with 2^n paths is fast', () => {
    const tasks = Array.from({ length: 5000 }, (_, index) =>
      makeTask(String(index + 1), { dependencies: [index - 1, index].filter((id) => id >= 1).map(String) }),
    );
    expect(valid(tasks).waves()).toHaveLength(5000);
  });
});

describe('groups', () => {
  const tasks = [
    makeTask('1'),
    makeTask('2', { dependencies: ['1'] }),
    makeTask('2.1'),
    makeTask('2.2', { dependencies: ['2.1'] }),
    makeTask('3', { dependencies: ['2'] }),
  ];

  it('run as their subtasks, which need what the group needs', () => {
    const graph = valid(tasks);
    expect(graph.leaves()).toEqual(['1', '2.1', '2.2', '3']);
    expect(graph.needs('2.1')).toEqual(['1']);
    expect(graph.waves()).toEqual([['1'], ['2.1'], ['2.2'], ['3']]);
  });

  it('block their dependents until every subtask is settled', () => {
    const done = (ids: string[]): Task[] =>
      tasks.map((task) => (ids.includes(task.id) ? { ...task, status: 'done' } : task));
    expect(checkReadiness(valid(done(['1', '2.1'])), '3')).toEqual({
      ready: false,
      waitingFor: ['2.2'],
      cancelled: [],
    });
    expect(checkReadiness(valid(done(['1', '2.1', '2.2'])), '3').ready).toBe(true);
  });

  it('may not depend on their own subtasks', () => {
    const result = buildTaskGraph([makeTask('1', { dependencies: ['1.1'] }), makeTask('1.1')]);
    expect(result.ok ? [] : result.error.map(describeGraphProblem)).toEqual([
      'Task 1 depends on its own subtask 1.1.',
    ]);
  });
});

describe('checkReadiness', () => {
  it('counts a cancelled dependency as settled and says so', () => {
    const graph = valid([makeTask('1', { status: 'cancelled' }), makeTask('2', { dependencies: ['1'] })]);
    expect(checkReadiness(graph, '2')).toEqual({ ready: true, waitingFor: [], cancelled: ['1'] });
  });
});

describe('remainingPath', () => {
  it('is the longest chain of weights from each task on', () => {
    const graph = valid([
      makeTask('1', { estimateMinutes: 5 }),
      makeTask('2', { estimateMinutes: 7, dependencies: ['1'] }),
      makeTask('3', { estimateMinutes: 1, dependencies: ['1'] }),
      makeTask('4', { estimateMinutes: 2, dependencies: ['2', '3'] }),
    ]);
    const paths = graph.remainingPath(({ estimateMinutes }) => estimateMinutes ?? 0);
    expect(Object.fromEntries(paths)).toEqual({ '1': 14, '2': 9, '3': 3, '4': 2 });
  });
});

function valid(tasks: readonly Task[]): TaskGraph {
  const graph = buildTaskGraph(tasks);
  if (!graph.ok) throw new Error(graph.error.map(describeGraphProblem).join('\n'));
  return graph.value;
}

function ancestors(graph: TaskGraph, id: string, found = new Set<string>()): Set<string> {
  for (const need of graph.needs(id)) {
    if (found.has(need)) continue;
    found.add(need);
    ancestors(graph, need, found);
  }
  return found;
}
