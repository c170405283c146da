import type { Attempt } from '../../domain/attempt.ts';
import type { TaskStore } from '../../store/store.ts';
import { compareTaskIds, parentOf, type Task } from '../../domain/task.ts';
import { parseId, selectTasks } from './ids.ts';

/** One task with what was tried for it, and why nothing was where nothing was. */
export interface TriedTask {
  readonly task: Task;
  /** The oldest first. */
  readonly attempts: readonly Attempt[];
  /** A sentence for people; empty where there are attempts. */
  readonly untried: string;
}

/** Finds the task that a person named; throws `Failed` where there is none of that id. */
export function triedTask(store: TaskStore, text: string): TriedTask {
  const id = parseId(text);
  const [found = id] = selectTasks(store, [{ first: id, last: id }]);
  const task = store.task(found);
  if (task === undefined) throw new Error(`Task ${id} was found and is gone.`);
  const attempts = store.attempts({ taskId: id });
  return { task, attempts, untried: attempts.length > 0 ? '' : whyUntried(store, task) };
}

function whyUntried(store: TaskStore, { id, status }: Task): string {
  const subtasks = store
    .tasks()
    .filter((task) => parentOf(task.id) === id)
    .map((task) => task.id)
    .sort(compareTaskIds);
  if (subtasks.length > 0) return `Task ${id} is worked on by its subtasks: ${subtasks.join(', ')}.`;
  if (status === 'done') return `Task ${id} was not worked on here: it was set to done.`;
  return `Task ${id} has not been worked on yet: it is ${status}.`;
}
