import { fail } from '../domain/failure.ts';
import { buildTaskGraph, describeGraphProblem } from '../domain/task-graph.ts';
import type { TaskId } from '../domain/task.ts';
import type { TaskStore } from '../store/store.ts';
import type { DependReport, DependRequest } from './contract/depend.ts';
import { withStore } from './project/open-store.ts';
import type { Project } from './project/project.ts';
import { parseId, parseIds, selectTasks } from './tasks/ids.ts';

/** Adds or removes dependencies of one task, all of them or none. */
export async function depend(project: Project, request: DependRequest): Promise<DependReport> {
  const { action } = request;
  const id = parseId(request.id);
  const ranges = parseIds(request.dependsOn);
  return await withStore(project, (store) => {
    const needs = selectTasks(store, [{ first: id, last: id }, ...ranges]).filter((need) => need !== id);
    if (ranges.some(({ first, last }) => first === id && last === id))
      fail('dependency-cycle', `Task ${id} cannot depend on itself.`, 'Name another task.');
    if (action === 'add') refuseCycles(store, id, needs);
    const changed = needs.filter((need) =>
      action === 'add' ? store.addDependency(id, need) : store.removeDependency(id, need),
    );
    return { action, id, changed, unchanged: needs.filter((need) => !changed.includes(need)) };
  });
}

/** The store checks one dependency at a time, but if the last one closes a cycle, none of them may be added. */
function refuseCycles(store: TaskStore, id: TaskId, needs: readonly TaskId[]): void {
  const tasks = store
    .tasks()
    .map((task) => (task.id === id ? { ...task, dependencies: [...task.dependencies, ...needs] } : task));
  const graph = buildTaskGraph(tasks);
  if (!graph.ok)
    fail(
      'dependency-cycle',
      `${id} cannot depend on ${needs.join(', ')}. ${graph.error.map(describeGraphProblem).join('\n')}`,
      'Remove one of the dependencies in the cycle with `depend remove`, or leave this one out.',
    );
}
