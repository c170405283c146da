import { learnEstimates, type Estimator } from '../../estimate.ts';
import { fail } from '../../failure.ts';
import type { TaskStore } from '../../store/store.ts';
import { isRunnable, isSettled, type Task, type TaskId } from '../../task.ts';
import { buildTaskGraph, describeProblem, readiness, type TaskGraph } from '../../task-graph.ts';
import type { ListStatus } from './statuses.ts';

/** A task with what follows from the other tasks; also its documented JSON shape. */
export interface TaskView extends Task {
  /** It could start now: its status allows it, everything it needs is settled, and it is no group. */
  readonly ready: boolean;
  /** What it waits for: unsettled dependencies, a group's unsettled subtasks in its place. */
  readonly waitingFor: readonly TaskId[];
  /** Dependencies that were cancelled and so will never come. */
  readonly cancelledDependencies: readonly TaskId[];
  readonly subtasks: readonly TaskId[];
  /** Working time by what this project has learned so far; that of a group is its subtasks' together. */
  readonly expectedMinutes: number;
}

/** Tasks that stand still in one moment, with what can be asked about them. */
export interface TaskBoard {
  readonly graph: TaskGraph;
  readonly estimate: Estimator;
  /** Every task, ordered by id. */
  readonly views: readonly TaskView[];
}

/** Reads all tasks of the store's list. */
export function loadBoard(store: TaskStore): TaskBoard {
  const built = buildTaskGraph(store.tasks());
  if (!built.ok)
    fail(
      'store-unusable',
      `The stored tasks do not fit together:\n${built.error.map(describeProblem).join('\n')}`,
      'Mend them with `depend remove` or `delete`.',
    );
  const graph = built.value;
  const estimate = learnEstimates(store.finishedWork());
  return { graph, estimate, views: [...graph.nodes.values()].map((task) => viewTask(graph, estimate, task)) };
}

/** The word `list` shows: a pending task that waits for others is blocked. */
export function shownStatus(view: TaskView): ListStatus {
  return view.status === 'pending' && view.waitingFor.length > 0 ? 'blocked' : view.status;
}

/** The work that a dependency stands for: itself, or the subtasks of a group. */
export function workOf(graph: TaskGraph, id: TaskId): readonly TaskId[] {
  return graph.isGroup(id) ? graph.needs(id) : [id];
}

function viewTask(graph: TaskGraph, estimate: Estimator, task: Task): TaskView {
  const { id } = task;
  if (!graph.isGroup(id)) {
    const { ready, waitingFor, cancelled } = readiness(graph, id);
    return {
      ...task,
      ready: ready && isRunnable(task.status),
      waitingFor,
      cancelledDependencies: cancelled,
      subtasks: [],
      expectedMinutes: estimate(task),
    };
  }
  const subtasks = graph.needs(id);
  const needed = task.dependencies.flatMap((dependency) => workOf(graph, dependency));
  const statusOf = (need: TaskId): Task['status'] => graph.nodes.get(need)?.status ?? 'pending';
  return {
    ...task,
    ready: false,
    waitingFor: needed.filter((need) => !isSettled(statusOf(need))),
    cancelledDependencies: needed.filter((need) => statusOf(need) === 'cancelled'),
    subtasks,
    expectedMinutes: subtasks.reduce((sum, subtask) => {
      const node = graph.nodes.get(subtask);
      return node === undefined ? sum : sum + estimate(node);
    }, 0),
  };
}
