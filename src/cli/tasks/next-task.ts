import { Scheduler } from '../../scheduler.ts';
import { isSettled, type TaskId } from '../../task.ts';
import type { TaskBoard, TaskView } from './view.ts';

/** What `next` answers; also its documented JSON shape. */
export interface NextTask {
  readonly next: (TaskView & { readonly why: string }) | null;
  /** What else could start now, best first. */
  readonly alsoReady: readonly TaskId[];
  /** What the rest waits for where nothing can start, the one that holds up the most first. */
  readonly waitingFor: readonly Holder[];
}

/** A task that keeps others from starting, and does not start by itself. */
export interface Holder {
  readonly id: TaskId;
  readonly title: string;
  readonly status: TaskView['status'];
  /** How many open tasks wait for it, directly or behind others. */
  readonly holdsUp: number;
}

/** Asks the scheduler that `run` uses, so that both always agree. */
export function findNext({ graph, estimate, views }: TaskBoard): NextTask {
  const scheduler = new Scheduler(graph, { slots: 1, failureMode: 'continue', estimate });
  const [first, ...alsoReady] = scheduler.ready();
  const view = views.find(({ id }) => id === first);
  if (first !== undefined && view !== undefined)
    return { next: { ...view, why: scheduler.explain(first) }, alsoReady, waitingFor: [] };
  return { next: null, alsoReady: [], waitingFor: findHolders(graph, views) };
}

/** With nothing ready, each open task that waits for nothing is one that a person or a worker has in hand. */
function findHolders(graph: TaskBoard['graph'], views: readonly TaskView[]): Holder[] {
  const open = (id: TaskId): boolean =>
    !graph.isGroup(id) && !isSettled(graph.nodes.get(id)?.status ?? 'done');
  return views
    .filter((view) => open(view.id) && view.waitingFor.length === 0)
    .map((view) => ({
      id: view.id,
      title: view.title,
      status: view.status,
      holdsUp: countBehind(graph, view.id, open),
    }))
    .sort((a, b) => b.holdsUp - a.holdsUp);
}

function countBehind(graph: TaskBoard['graph'], start: TaskId, open: (id: TaskId) => boolean): number {
  const seen = new Set([start]);
  for (const id of seen) for (const next of graph.neededBy(id)) seen.add(next);
  seen.delete(start);
  return [...seen].filter(open).length;
}
