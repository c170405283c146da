import { learnEstimates, type Estimator } from '../../domain/estimate.ts';
import type { TaskStore } from '../../store/store.ts';
import {
  isRunnable,
  isSettled,
  type ListedTask,
  type Task,
  type TaskId,
  type TaskStatus,
} from '../../domain/task.ts';
import {
  type TaskGraph,
  type TaskLinks,
  buildStoredGraph,
  linkTasks,
  checkReadiness,
} from '../../domain/task-graph.ts';
import type { TaskCounts } from '../../domain/task-outline.ts';
import type { TaskInContext } from '../contract/task.ts';
import type { ListStatus } from './statuses.ts';

/** All tasks at one moment, with how they depend on each other. */
export interface TaskBoard<Links extends TaskLinks<ListedTask> = TaskLinks> {
  readonly links: Links;
  readonly estimate: Estimator;
  /** Every task, ordered by id. */
  readonly tasks: readonly (Links extends TaskLinks<infer T> ? T : never)[];
}

/** A board of tasks without their texts. */
export type ListBoard = TaskBoard<TaskLinks<ListedTask>>;

/** A task with what follows from the other tasks. */
export interface TaskView<T extends ListedTask = Task> {
  readonly task: T;
  /** It could start now: its status allows it, all its dependencies are settled, and it is not a group. */
  readonly ready: boolean;
  /** Unsettled dependencies. A group among them is replaced by its unsettled subtasks. */
  readonly waitingFor: readonly TaskId[];
  /** Dependencies that were cancelled, so they will never be done. */
  readonly cancelledDependencies: readonly TaskId[];
  readonly subtasks: readonly TaskId[];
}

/** Reads all tasks of the store's list. */
export function loadBoard(store: TaskStore): TaskBoard {
  const tasks = store.tasks();
  return { links: linkTasks(tasks), estimate: learnEstimates(store.finishedWork()), tasks };
}

/** Reads all tasks without their texts, which is faster. */
export function loadListBoard(store: TaskStore): ListBoard {
  const tasks = store.listedTasks();
  return { links: linkTasks(tasks), estimate: learnEstimates(store.finishedWork()), tasks };
}

/** Reads only the given tasks, those around them, and what is needed to view each of these. */
export function loadBoardAround(store: TaskStore, ids: readonly TaskId[]): TaskBoard {
  const around = store.tasksAround(ids).map(({ id }) => id);
  const tasks = store.tasksAround(around);
  return { links: linkTasks(tasks), estimate: learnEstimates(store.finishedWork()), tasks };
}

/** Reads all tasks for those who also need their order. */
export function loadGraphBoard(store: TaskStore): TaskBoard<TaskGraph> {
  const tasks = store.tasks();
  return { links: buildStoredGraph(tasks), estimate: learnEstimates(store.finishedWork()), tasks };
}

/** Derives what follows for one task of the board from the others. */
export function viewTask<T extends ListedTask>({ links }: ListBoard, task: T): TaskView<T> {
  const { id } = task;
  if (!links.isGroup(id)) {
    const { ready, waitingFor, cancelled } = checkReadiness(links, id);
    return {
      task,
      ready: ready && isRunnable(task.status),
      waitingFor,
      cancelledDependencies: cancelled,
      subtasks: NONE,
    };
  }
  const needed = task.dependencies.flatMap((dependency) => links.workOf(dependency));
  const statusOf = (need: TaskId): Task['status'] => links.nodes.get(need)?.status ?? 'done';
  return {
    task,
    ready: false,
    waitingFor: needed.filter((need) => !isSettled(statusOf(need))),
    cancelledDependencies: needed.filter((need) => statusOf(need) === 'cancelled'),
    subtasks: links.needs(id),
  };
}

/** What a report adds to a task. */
type Context = Omit<TaskInContext, keyof Task>;

/** The task of a view in the form of the reports. */
export function inContext<T extends ListedTask>(board: ListBoard, view: TaskView<T>): T & Context {
  const { task, ready, waitingFor, cancelledDependencies, subtasks } = view;
  const isDone = (id: TaskId): boolean => isSettled(board.links.nodes.get(id)?.status ?? 'pending');
  // Onto the task itself, which was read for the report: in a list of ten thousand tasks, copies would be noticed.
  return Object.assign(task, {
    ready,
    waitingFor,
    cancelledDependencies,
    subtasks,
    settledSubtasks: subtasks.length === 0 ? 0 : subtasks.filter(isDone).length,
    expectedMinutes: expectedMinutes(board, task),
  });
}

/** The working time of a task, or of all subtasks of a group. */
function expectedMinutes({ links, estimate }: ListBoard, task: ListedTask): number {
  if (!links.isGroup(task.id)) return estimate(task);
  return links.needs(task.id).reduce((sum, id) => sum + estimate(links.nodes.get(id) ?? task), 0);
}

/** Whether a plan or a person has estimated the task. Without an estimate, its time is only a guess. */
export function isEstimated(task: Pick<TaskInContext, 'size' | 'estimateMinutes' | 'subtasks'>): boolean {
  return task.size !== null || task.estimateMinutes !== null || task.subtasks.length > 0;
}

/** The status that `list` shows: a pending task that waits for others is blocked. */
export function shownStatus(status: TaskStatus, waitingFor: readonly TaskId[]): ListStatus {
  return status === 'pending' && waitingFor.length > 0 ? 'blocked' : status;
}

/** Counts tasks. `pending` includes blocked tasks; `ready` includes failed tasks that can be tried again. */
export function countTasks(views: readonly TaskView<ListedTask>[]): TaskCounts {
  const counts: Record<keyof TaskCounts, number> = {
    total: 0,
    ready: 0,
    blocked: 0,
    pending: 0,
    'in-progress': 0,
    review: 0,
    done: 0,
    failed: 0,
    deferred: 0,
    cancelled: 0,
  };
  for (const view of views) {
    if (view.subtasks.length > 0) continue;
    counts.total++;
    counts[view.task.status]++;
    if (view.ready) counts.ready++;
    if (shownStatus(view.task.status, view.waitingFor) === 'blocked') counts.blocked++;
  }
  return counts;
}

const NONE: readonly TaskId[] = [];
