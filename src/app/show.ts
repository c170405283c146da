import { sumUsage } from '../domain/attempt.ts';
import type { TaskStore } from '../store/store.ts';
import { parentOf, type TaskId } from '../domain/task.ts';
import { tellStories, withRunEvents } from './tasks/attempt-story.ts';
import { inContext, shownStatus, viewTask, type TaskBoard } from './tasks/view.ts';
import type { TaskLine } from './contract/task.ts';
import type { TaskReport } from './contract/show.ts';

/** Gathers the reports of tasks that exist. */
export function reportTasks(store: TaskStore, board: TaskBoard, ids: readonly TaskId[]): TaskReport[] {
  const { nodes } = board.links;
  const line = (id: TaskId): TaskLine[] => {
    const task = nodes.get(id);
    if (task === undefined) return [];
    return [
      {
        id,
        title: task.title,
        status: task.status,
        shown: shownStatus(task.status, viewTask(board, task).waitingFor),
      },
    ];
  };
  return ids.flatMap((id) => {
    const task = nodes.get(id);
    if (task === undefined) return [];
    const view = viewTask(board, task);
    const attempts = store.attempts({ taskId: id });
    const stories = tellStories(store, id, attempts);
    return [
      {
        task: inContext(board, view),
        parent: line(parentOf(id) ?? '')[0] ?? null,
        dependencies: task.dependencies.flatMap(line),
        dependents: board.tasks
          .filter(({ dependencies }) => dependencies.includes(id))
          .flatMap((dependent) => line(dependent.id)),
        subtasks: view.subtasks.flatMap(line),
        attempts,
        stories,
        usage: sumUsage(attempts.flatMap((attempt) => store.usage({ attemptId: attempt.id }))),
        events: withRunEvents(store.events({ taskId: id }), stories),
      },
    ];
  });
}
