import type { TaskStore } from '../../store/store.ts';
import { compareTaskIds, parentOf, type Task, type TaskId } from '../../domain/task.ts';

/** The tasks that are named, each once; in place of a group, its subtasks, since those are what is worked on. */
export function workOf(store: TaskStore, ids: readonly TaskId[]): Task[] {
  const tasks = new Map(store.tasks().map((task) => [task.id, task]));
  const subtasks = new Map<TaskId, TaskId[]>();
  for (const id of tasks.keys()) {
    const parent = parentOf(id);
    if (parent !== undefined) subtasks.set(parent, [...(subtasks.get(parent) ?? []), id]);
  }
  const work = new Set(ids.flatMap((id) => subtasks.get(id)?.sort(compareTaskIds) ?? [id]));
  return [...work].flatMap((id) => tasks.get(id) ?? []);
}
