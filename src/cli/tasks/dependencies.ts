import { printJson } from '../print.ts';
import { findProject, withStore } from '../../app/project/project.ts';
import { fail } from '../../domain/failure.ts';
import type { TaskStore } from '../../store/store.ts';
import type { TaskId } from '../../domain/task.ts';
import { buildTaskGraph, describeProblem } from '../../domain/task-graph.ts';
import type { Cli } from '../cli.ts';
import { type CommonOptions } from '../command.ts';
import { parseId, parseIds, selectTasks } from '../../app/tasks/ids.ts';

export const DEPENDENCY_ACTIONS = ['add', 'remove'] as const;
export type DependencyAction = (typeof DEPENDENCY_ACTIONS)[number];

/** Adds or removes dependencies of one task, all or none, and prints what changed. */
export async function changeDependencies(
  cli: Cli,
  options: CommonOptions,
  action: DependencyAction,
  idText: string,
  needTexts: readonly string[],
): Promise<void> {
  const id = parseId(idText);
  const ranges = parseIds(needTexts);
  const result = await withStore(findProject(cli, options), (store) => {
    const needs = selectTasks(store, [{ first: id, last: id }, ...ranges]).filter((need) => need !== id);
    if (ranges.some(({ first, last }) => first === id && last === id))
      fail('dependency-cycle', `Task ${id} cannot depend on itself.`, 'Name another task.');
    if (action === 'add') refuseCycles(store, id, needs);
    const changed = needs.filter((need) => change(store, action, id, need));
    return { id, changed, unchanged: needs.filter((need) => !changed.includes(need)) };
  });
  if (options.json === true) printJson(cli, { action, ...result });
  else if (options.quiet !== true) cli.stdout.write(describe(action, result));
}

/** The store looks at one dependency at a time; what the last of them would close must stop the first. */
function refuseCycles(store: TaskStore, id: TaskId, needs: readonly TaskId[]): void {
  const tasks = store
    .tasks()
    .map((task) => (task.id === id ? { ...task, dependencies: [...task.dependencies, ...needs] } : task));
  const graph = buildTaskGraph(tasks);
  if (!graph.ok)
    fail(
      'dependency-cycle',
      `${id} cannot depend on ${needs.join(', ')}. ${graph.error.map(describeProblem).join('\n')}`,
      'Remove one of the dependencies in the cycle with `depend remove`, or leave this one away.',
    );
}

function change(store: TaskStore, action: DependencyAction, id: TaskId, need: TaskId): boolean {
  return action === 'add' ? store.addDependency(id, need) : store.removeDependency(id, need);
}

function describe(
  action: DependencyAction,
  { id, changed, unchanged }: { id: TaskId; changed: readonly TaskId[]; unchanged: readonly TaskId[] },
): string {
  const lines: string[] = [];
  if (changed.length > 0)
    lines.push(`${id} ${action === 'add' ? 'now depends on' : 'no longer depends on'} ${changed.join(', ')}`);
  if (unchanged.length > 0)
    lines.push(
      `${id} ${action === 'add' ? 'depended on' : 'did not depend on'} ${unchanged.join(', ')} already`,
    );
  return lines.map((line) => `${line}\n`).join('');
}
