import { learnEstimates } from '../domain/estimate.ts';
import { explainPlace, Scheduler } from '../engine/scheduler.ts';
import { isSettled, type TaskId, type TaskStatus } from '../domain/task.ts';
import { readiness, type TaskGraph } from '../domain/task-graph.ts';
import type { TaskStore } from '../store/store.ts';
import { OutlinedTasks } from '../domain/task-outline.ts';
import { loadBoardAround, toJson, viewTask, type TaskBoard, type TaskJson } from './tasks/view.ts';

/** What `next` answers; also its documented JSON shape. */
export interface NextTask {
  readonly next: (TaskJson & { readonly why: string }) | null;
  /** What else could start now, best first. */
  readonly alsoReady: readonly TaskId[];
  /** What the rest waits for where nothing can start, the one that holds up the most first. */
  readonly waitingFor: readonly Holder[];
}

/** A task that keeps others from starting, and does not start by itself. */
export interface Holder {
  readonly id: TaskId;
  readonly title: string;
  readonly status: TaskStatus;
  /** How many open tasks wait for it, directly or behind others. */
  readonly holdsUp: number;
}

/**
 * The task that `run` would start first, by the outline of the list: its other tasks are not read. Undefined where
 * nothing can start, or where the tasks form no graph: then all of them have to be looked at.
 */
export function findNextQuickly(store: TaskStore): NextTask | undefined {
  const estimate = learnEstimates(store.finishedWork());
  const [first, ...others] = new OutlinedTasks(store.outline()).ready(estimate) ?? [];
  if (first === undefined) return undefined;
  const board = loadBoardAround(store, [first.id]);
  const task = board.links.nodes.get(first.id);
  if (task === undefined) return undefined;
  return {
    next: { ...toJson(board, viewTask(board, task)), why: explainPlace(task, first.path, estimate) },
    alsoReady: others.map(({ id }) => id),
    waitingFor: [],
  };
}

/** Asks the scheduler that `run` uses. */
export function findNext(board: TaskBoard<TaskGraph>): NextTask {
  const { links: graph, estimate } = board;
  const scheduler = new Scheduler(graph, { slots: 1, failureMode: 'continue', estimate });
  const [first, ...alsoReady] = scheduler.ready();
  const task = first === undefined ? undefined : graph.nodes.get(first);
  if (task === undefined) return { next: null, alsoReady: [], waitingFor: findHolders(board) };
  const next = { ...toJson(board, viewTask(board, task)), why: scheduler.explain(task.id) };
  return { next, alsoReady, waitingFor: [] };
}

/** With nothing ready, each open task that waits for nothing is one that a person or a worker has in hand. */
function findHolders(board: TaskBoard<TaskGraph>): Holder[] {
  const { links: graph, tasks } = board;
  const open = (id: TaskId): boolean =>
    !graph.isGroup(id) && !isSettled(graph.nodes.get(id)?.status ?? 'done');
  return tasks
    .filter(({ id }) => open(id) && readiness(graph, id).ready)
    .map(({ id, title, status }) => ({ id, title, status, holdsUp: countBehind(graph, id, open) }))
    .sort((a, b) => b.holdsUp - a.holdsUp);
}

function countBehind(graph: TaskGraph, start: TaskId, open: (id: TaskId) => boolean): number {
  const seen = new Set([start]);
  for (const id of seen) for (const next of graph.neededBy(id)) seen.add(next);
  seen.delete(start);
  return [...seen].filter(open).length;
}
