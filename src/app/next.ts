import { learnEstimates } from '../domain/estimate.ts';
import { explainPlace } from '../engine/ready-queue.ts';
import { Scheduler } from '../engine/scheduler.ts';
import { isSettled, type TaskId } from '../domain/task.ts';
import { checkReadiness, type TaskGraph } from '../domain/task-graph.ts';
import type { TaskStore } from '../store/store.ts';
import { OutlinedTasks } from '../domain/task-outline.ts';
import type { NextReport } from './contract/next.ts';
import { withStore } from './project/open-store.ts';
import type { Project } from './project/project.ts';
import {
  type TaskBoard,
  countTasks,
  inContext,
  loadBoardAround,
  loadGraphBoard,
  viewTask,
} from './tasks/view.ts';

/** Finds the task that `run` would start first, and says why. Where none can start, it finds what all others wait for. */
export async function next(project: Project): Promise<NextReport> {
  return await withStore(project, (store) => {
    const found = findNextQuickly(store);
    if (found !== undefined) return { ...found, counts: null };
    // The whole list is read only if nothing can start.
    const board = loadGraphBoard(store);
    return { ...findNext(board), counts: countTasks(board.tasks.map((task) => viewTask(board, task))) };
  });
}

type Found = Omit<NextReport, 'counts'>;

/**
 * Finds the first task by the outline of the list, without reading the other tasks. Undefined if nothing can start, or
 * if the tasks form no valid graph: then all tasks have to be read.
 */
export function findNextQuickly(store: TaskStore): Found | undefined {
  const estimate = learnEstimates(store.finishedWork());
  const [first, ...others] = new OutlinedTasks(store.outline()).ready(estimate) ?? [];
  if (first === undefined) return undefined;
  const board = loadBoardAround(store, [first.id]);
  const task = board.links.nodes.get(first.id);
  if (task === undefined) return undefined;
  return {
    next: { ...inContext(board, viewTask(board, task)), why: explainPlace(task, first.path, estimate) },
    alsoReady: others.map(({ id }) => id),
    waitingFor: [],
  };
}

/** Asks the same scheduler that `run` uses. */
export function findNext(board: TaskBoard<TaskGraph>): Found {
  const { links: graph, estimate } = board;
  const scheduler = new Scheduler(graph, { slots: 1, failureMode: 'continue', estimate });
  const [first, ...alsoReady] = scheduler.ready();
  const task = first === undefined ? undefined : graph.nodes.get(first);
  if (task === undefined) return { next: null, alsoReady: [], waitingFor: findHolders(board) };
  const next = { ...inContext(board, viewTask(board, task)), why: scheduler.explain(task.id) };
  return { next, alsoReady, waitingFor: [] };
}

/** If nothing is ready, a person or a worker is busy with each open task that waits for nothing. */
function findHolders(board: TaskBoard<TaskGraph>): NextReport['waitingFor'] {
  const { links: graph, tasks } = board;
  const open = (id: TaskId): boolean =>
    !graph.isGroup(id) && !isSettled(graph.nodes.get(id)?.status ?? 'done');
  return tasks
    .filter(({ id }) => open(id) && checkReadiness(graph, id).ready)
    .map(({ id, title, status }) => ({ id, title, status, holdsUp: countBehind(graph, id, open) }))
    .sort((a, b) => b.holdsUp - a.holdsUp);
}

function countBehind(graph: TaskGraph, start: TaskId, open: (id: TaskId) => boolean): number {
  const seen = new Set([start]);
  for (const id of seen) for (const next of graph.neededBy(id)) seen.add(next);
  seen.delete(start);
  return [...seen].filter(open).length;
}
