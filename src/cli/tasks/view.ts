import { learnEstimates, type Estimator } from '../../estimate.ts';
import { fail } from '../../failure.ts';
import type { TaskStore } from '../../store/store.ts';
import { isRunnable, isSettled, type Task, type TaskId, type TaskStatus } from '../../task.ts';
import { buildTaskGraph, describeProblem, readiness, type TaskGraph } from '../../task-graph.ts';
import type { ListStatus } from './statuses.ts';

/** Tasks as they stand in one moment. */
export interface TaskBoard {
  readonly graph: TaskGraph;
  readonly estimate: Estimator;
  /** Every task, ordered by id. */
  readonly tasks: readonly Task[];
}

/** A task with what follows from the other tasks. */
export interface TaskView {
  readonly task: Task;
  /** It could start now: its status allows it, everything it needs is settled, and it is no group. */
  readonly ready: boolean;
  /** What it waits for: unsettled dependencies, a group's unsettled subtasks in its place. */
  readonly waitingFor: readonly TaskId[];
  /** Dependencies that were cancelled and so will never come. */
  readonly cancelledDependencies: readonly TaskId[];
  readonly subtasks: readonly TaskId[];
}

/** The documented JSON shape of a task: its own fields, and those that follow from the other tasks. */
export type TaskJson = Task &
  Omit<TaskView, 'task'> & {
    /** Working time by what this project has learned so far; that of a group is its subtasks' together. */
    readonly expectedMinutes: number;
  };

/** Reads all tasks of the store's list. */
export function loadBoard(store: TaskStore): TaskBoard {
  const tasks = store.tasks();
  const graph = buildTaskGraph(tasks);
  if (!graph.ok)
    fail(
      'store-unusable',
      `The stored tasks do not fit together:\n${graph.error.map(describeProblem).join('\n')}`,
      'Mend them with `depend remove` or `delete`.',
    );
  return { graph: graph.value, estimate: learnEstimates(store.finishedWork()), tasks };
}

/** Looks at one task of the board. */
export function viewTask({ graph }: TaskBoard, task: Task): TaskView {
  const { id } = task;
  if (!graph.isGroup(id)) {
    const { ready, waitingFor, cancelled } = readiness(graph, id);
    return {
      task,
      ready: ready && isRunnable(task.status),
      waitingFor,
      cancelledDependencies: cancelled,
      subtasks: NONE,
    };
  }
  const needed = task.dependencies.flatMap((dependency) => workOf(graph, dependency));
  const statusOf = (need: TaskId): Task['status'] => graph.nodes.get(need)?.status ?? 'done';
  return {
    task,
    ready: false,
    waitingFor: needed.filter((need) => !isSettled(statusOf(need))),
    cancelledDependencies: needed.filter((need) => statusOf(need) === 'cancelled'),
    subtasks: graph.needs(id),
  };
}

/** The view as `--json` shows it. */
export function toJson(board: TaskBoard, { task, ...derived }: TaskView): TaskJson {
  return { ...task, ...derived, expectedMinutes: expectedMinutes(board, task) };
}

/** The working time of a task, or of all subtasks of a group. */
export function expectedMinutes({ graph, estimate }: TaskBoard, task: Task): number {
  if (!graph.isGroup(task.id)) return estimate(task);
  return graph.needs(task.id).reduce((sum, id) => sum + estimate(graph.nodes.get(id) ?? task), 0);
}

/** Whether a plan or a person has said how much work the task is; without that, a time is only a guess. */
export function isEstimated(task: Task, subtasks: readonly TaskId[]): boolean {
  return task.size !== null || task.estimateMinutes !== null || subtasks.length > 0;
}

/** The word `list` shows: a pending task that waits for others is blocked. */
export function shownStatus(status: TaskStatus, waitingFor: readonly TaskId[]): ListStatus {
  return status === 'pending' && waitingFor.length > 0 ? 'blocked' : status;
}

/** The work that a dependency stands for: itself, or the subtasks of a group. */
function workOf(graph: TaskGraph, id: TaskId): readonly TaskId[] {
  return graph.isGroup(id) ? graph.needs(id) : [id];
}

const NONE: readonly TaskId[] = [];
