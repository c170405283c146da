import type { Estimator } from '../../domain/estimate.ts';
import { predictMinutes } from '../../engine/scheduler.ts';
import { isRunnable, isSettled, parentOf, type Task, type TaskId } from '../../domain/task.ts';
import { buildTaskGraph, type TaskGraph } from '../../domain/task-graph.ts';
import type { HeldTask, PlannedTask, PlanPreview } from '../contract/plan.ts';
import { findCollisions } from './collisions.ts';

/** What a preview is worked out from. */
interface PreviewOptions {
  readonly estimate: Estimator;
  /** How many work at once. */
  readonly workers: number;
  /** Up to how many workers the time is predicted for: at least up to `workers`. */
  readonly maxWorkers?: number;
  /** Null where there is no history. */
  readonly costPerMinute: number | null;
}

/** Works out what `run` would do. */
export function previewPlan(stored: TaskGraph, options: PreviewOptions): PlanPreview {
  const { estimate, workers, maxWorkers = 0, costPerMinute } = options;
  const graph = openPart(stored);
  const held = findHeld(graph);
  const runs = (id: TaskId): boolean => !graph.isGroup(id) && !held.has(id);
  const criticalPath = findCriticalPath(graph, estimate, runs);
  const critical = new Set(criticalPath.tasks);
  const waves = graph.waves(runs).map((wave) =>
    wave.flatMap((id) => {
      const task = graph.nodes.get(id);
      return task === undefined ? [] : [planned(task, estimate, critical)];
    }),
  );
  const all = waves.flat();
  const minutes = all.reduce((sum, task) => sum + task.minutes, 0);
  return {
    tasks: all.length,
    waves,
    criticalPath,
    collisions: findCollisions(waves),
    workers,
    prediction: Array.from({ length: Math.max(workers, maxWorkers) }, (_, index) => ({
      workers: index + 1,
      minutes: predictMinutes(graph, index + 1, estimate),
    })),
    costUsd: costPerMinute === null ? null : costPerMinute * minutes,
    held: [...held.values()],
  };
}

function planned(task: Task, estimate: Estimator, critical: ReadonlySet<TaskId>): PlannedTask {
  const { id, title, priority, size, risk, touches, dependencies } = task;
  const estimated = size !== null || task.estimateMinutes !== null;
  const minutes = estimate(task);
  return {
    id,
    title,
    priority,
    size,
    minutes,
    estimated,
    risk,
    touches,
    dependencies,
    critical: critical.has(id),
  };
}

/** The graph without settled tasks: nothing waits for them any more, nor for what they waited for. */
function openPart(graph: TaskGraph): TaskGraph {
  const isOpen = (id: TaskId): boolean =>
    graph.isGroup(id)
      ? graph.needs(id).some((need) => parentOf(need) === id && isOpen(need))
      : !isSettled(graph.nodes.get(id)?.status ?? 'done');
  const open = [...graph.nodes.values()]
    .filter(({ id }) => isOpen(id))
    .map((task) => ({ ...task, dependencies: task.dependencies.filter(isOpen) }));
  const built = buildTaskGraph(open);
  if (!built.ok) throw new Error('Internal error: a part of a valid graph is not valid.');
  return built.value;
}

/** Open tasks that a person has put aside, and those that wait for them. */
function findHeld(graph: TaskGraph): Map<TaskId, HeldTask> {
  const held = new Map<TaskId, HeldTask>();
  const behind = new Map<TaskId, readonly TaskId[]>();
  for (const id of graph.order) {
    const task = graph.nodes.get(id);
    if (task === undefined) continue;
    const waitingFor = [
      ...new Set(graph.needs(id).flatMap((need) => (held.has(need) ? [need] : (behind.get(need) ?? [])))),
    ];
    if (graph.isGroup(id)) behind.set(id, waitingFor);
    else if (!isRunnable(task.status))
      held.set(id, { id, title: task.title, status: task.status, waitingFor: [] });
    else if (waitingFor.length > 0) held.set(id, { id, title: task.title, status: task.status, waitingFor });
  }
  return held;
}

function findCriticalPath(
  graph: TaskGraph,
  estimate: Estimator,
  runs: (id: TaskId) => boolean,
): PlanPreview['criticalPath'] {
  const paths = graph.remainingPath(estimate, runs);
  const longest = (ids: Iterable<TaskId>): TaskId | undefined => {
    let best: TaskId | undefined;
    for (const id of ids) {
      if (best === undefined || (paths.get(id) ?? 0) > (paths.get(best) ?? 0)) best = id;
    }
    return best;
  };
  const start = longest(graph.order);
  const tasks: TaskId[] = [];
  for (let id = start; id !== undefined; id = longest(graph.neededBy(id))) if (runs(id)) tasks.push(id);
  return { tasks, minutes: start === undefined ? 0 : (paths.get(start) ?? 0) };
}
