import { sumUsage } from '../domain/attempt.ts';
import { redactValue } from '../domain/redact.ts';
import { parentOf, type TaskId } from '../domain/task.ts';
import type { TaskStore } from '../store/store.ts';
import type { ShowReport, ShowRequest, TaskReport } from './contract/show.ts';
import type { TaskLine } from './contract/task.ts';
import { withStore } from './project/open-store.ts';
import type { Project } from './project/project.ts';
import { redactorFor } from './project/redaction.ts';
import type { Services } from './services.ts';
import { gatherStories, withRunEvents } from './tasks/attempts.ts';
import { parseIds, selectTasks } from './tasks/ids.ts';
import {
  inContext,
  loadBoard,
  loadBoardAround,
  shownStatus,
  viewTask,
  type TaskBoard,
} from './tasks/view.ts';

/** For more tasks than this, reading the whole list at once is faster than reading one task after the other. */
const MANY = 100;

/** Gathers everything that is known about tasks, including their attempts and their history. */
export async function show(
  project: Project,
  { ids }: ShowRequest,
  services: Pick<Services, 'env'>,
): Promise<ShowReport> {
  const ranges = parseIds(ids);
  const stored = await withStore(project, (store) => {
    const selected = selectTasks(store, ranges);
    const board = selected.length > MANY ? loadBoard(store) : loadBoardAround(store, selected);
    return reportTasks(store, board, selected);
  });
  const tasks = stored.some(({ attempts }) => attempts.length > 0) ? await readTranscripts(stored) : stored;
  return redactValue({ tasks }, redactorFor(services, project));
}

/** Adds what the transcripts show. The modules for that are loaded only here, because nothing else needs them. */
async function readTranscripts(reports: readonly TaskReport[]): Promise<readonly TaskReport[]> {
  const { withFailureSignals } = await import('./transcript/failure-signals.ts');
  return await Promise.all(reports.map(withFailureSignals));
}

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
    const stories = gatherStories(store, id, attempts);
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
