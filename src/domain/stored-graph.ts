import { fail } from './failure.ts';
import { describeProblem } from './graph-problem.ts';
import { buildTaskGraph, type TaskGraph } from './task-graph.ts';
import type { Task } from './task.ts';

/** The graph of tasks that are stored already. Throws `Failed` ("plan-invalid") where they form none. */
export function buildStoredGraph(tasks: readonly Task[]): TaskGraph {
  const graph = buildTaskGraph(tasks);
  if (graph.ok) return graph.value;
  return fail(
    'plan-invalid',
    `The stored tasks do not fit together:\n${graph.error.map(describeProblem).join('\n')}`,
    'Mend them with `depend remove` or `delete`.',
  );
}
