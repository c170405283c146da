import { parentOf, type ListedTask } from '../domain/task.ts';
import type { ListReport, ListRequest } from './contract/list.ts';
import { withStore } from './project/open-store.ts';
import type { Project } from './project/project.ts';
import { parseListStatuses } from './tasks/statuses.ts';
import {
  countTasks,
  inContext,
  loadBoard,
  loadListBoard,
  shownStatus,
  viewTask,
  type TaskView,
} from './tasks/view.ts';

/** Lists the tasks that the request asks for, and counts all of them. */
export async function list(project: Project, request: ListRequest): Promise<ListReport> {
  const matches = filterFor(request);
  const { tasks, counts } = await withStore(project, (store) => {
    const board = request.texts === true ? loadBoard(store) : loadListBoard(store);
    const views = board.tasks.map((task: ListedTask) => viewTask(board, task));
    return {
      tasks: views.filter(matches).map((view) => inContext(board, view)),
      counts: countTasks(views),
    };
  });
  if (counts.total > 0) return { tasks, counts };
  // `init` may have made this empty list where another one was deleted.
  const { copyNotice } = await import('./project/lost-store.ts');
  const lost = copyNotice(project);
  return { tasks, counts, ...(lost && { lost }) };
}

function filterFor({
  statuses: words,
  ready,
  withSubtasks,
}: ListRequest): (view: TaskView<ListedTask>) => boolean {
  const statuses = words === undefined ? undefined : parseListStatuses(words);
  const subtasks = statuses !== undefined || ready === true || withSubtasks === true;
  return (view) =>
    (subtasks || parentOf(view.task.id) === undefined) &&
    (ready !== true || view.ready) &&
    (statuses === undefined ||
      statuses.has(view.task.status) ||
      statuses.has(shownStatus(view.task.status, view.waitingFor)));
}
