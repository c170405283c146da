import { sumUsage, type Attempt, type ModelUsage } from '../../attempt.ts';
import type { Stamped } from '../../event.ts';
import type { TaskStore } from '../../store/store.ts';
import { parentOf, type TaskId, type TaskStatus } from '../../task.ts';
import { shownStatus, type TaskBoard, type TaskView } from './view.ts';
import type { ListStatus } from './statuses.ts';

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
  readonly task: TaskView;
  readonly parent: TaskLine | null;
  readonly dependencies: readonly TaskLine[];
  /** Tasks that name this one among their dependencies. */
  readonly dependents: readonly TaskLine[];
  readonly subtasks: readonly TaskLine[];
  readonly attempts: readonly Attempt[];
  /** What its attempts cost so far, one entry a model. */
  readonly usage: readonly ModelUsage[];
  readonly events: readonly Stamped[];
}

/** Gathers the reports of tasks that exist. */
export function reportTasks(store: TaskStore, board: TaskBoard, ids: readonly TaskId[]): TaskReport[] {
  const views = new Map(board.views.map((view) => [view.id, view]));
  const line = (id: TaskId): TaskLine[] => {
    const view = views.get(id);
    return view === undefined
      ? []
      : [{ id, title: view.title, status: view.status, shown: shownStatus(view) }];
  };
  return ids.flatMap((id) => {
    const task = views.get(id);
    if (task === undefined) return [];
    const attempts = store.attempts({ taskId: id });
    return [
      {
        task,
        parent: line(parentOf(id) ?? '')[0] ?? null,
        dependencies: task.dependencies.flatMap(line),
        dependents: board.views
          .filter(({ dependencies }) => dependencies.includes(id))
          .flatMap((view) => line(view.id)),
        subtasks: task.subtasks.flatMap(line),
        attempts,
        usage: sumUsage(attempts.flatMap((attempt) => store.usage({ attemptId: attempt.id }))),
        events: store.events({ taskId: id }),
      },
    ];
  });
}
