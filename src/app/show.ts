import { sumUsage, type Attempt, type ModelUsage } from '../domain/attempt.ts';
import type { Stamped } from '../domain/event.ts';
import type { TaskStore } from '../store/store.ts';
import { parentOf, type TaskId, type TaskStatus } from '../domain/task.ts';
import { tellStories, withRunEvents, type AttemptStory } from './tasks/attempt-story.ts';
import { inContext, shownStatus, viewTask, type TaskBoard } from './tasks/view.ts';
import type { TaskInContext } from './contract/task.ts';
import type { ListStatus } from './tasks/statuses.ts';

/** A task in one line. */
export interface TaskLine {
  readonly id: TaskId;
  readonly title: string;
  readonly status: TaskStatus;
  /** The status as `list` shows it. */
  readonly shown: ListStatus;
}

/** Everything that is known about one task. */
export interface TaskReport {
  readonly task: TaskInContext;
  readonly parent: TaskLine | null;
  readonly dependencies: readonly TaskLine[];
  /** Tasks that name this one among their dependencies. */
  readonly dependents: readonly TaskLine[];
  readonly subtasks: readonly TaskLine[];
  readonly attempts: readonly Attempt[];
  /** What happened around each of its attempts. */
  readonly stories: readonly AttemptStory[];
  /** What its attempts cost so far, one entry a model. */
  readonly usage: readonly ModelUsage[];
  /** Its history: what happened to it, and what stopped the runs that worked on it. */
  readonly events: readonly Stamped[];
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
