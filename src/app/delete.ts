import { fail } from '../domain/failure.ts';
import { parentOf, type TaskId } from '../domain/task.ts';
import type { TaskStore } from '../store/store.ts';
import type { DeleteReport, DeleteRequest } from './contract/delete.ts';
import { withStore } from './project/open-store.ts';
import type { Project } from './project/project.ts';
import { parseIds, selectTasks } from './tasks/ids.ts';

/** Deletes tasks with their subtasks, all of them or none. Their attempts and costs are kept. */
export async function deleteTasks(
  project: Project,
  { ids, force = false }: DeleteRequest,
): Promise<DeleteReport> {
  const ranges = parseIds(ids);
  return await withStore(project, (store) => {
    const selected = selectTasks(store, ranges);
    if (!force) refuseRunning(store, selected);
    const titles = new Map(store.tasks().map((task) => [task.id, task.title]));
    const deleted = store.deleteTasks(selected, { force });
    return { deleted, tasks: deleted.map((id) => ({ id, title: titles.get(id) ?? '' })) };
  });
}

function refuseRunning(store: TaskStore, ids: readonly TaskId[]): void {
  const named = new Set(ids);
  const running = store
    .attempts({ running: true })
    .map((attempt) => attempt.taskId)
    .filter((id) => named.has(id) || named.has(parentOf(id) ?? id));
  if (running.length > 0)
    fail(
      'task-needed',
      `A worker is at work on ${[...new Set(running)].join(', ')}.`,
      'Stop the run first, or delete it anyway with --force.',
    );
}
