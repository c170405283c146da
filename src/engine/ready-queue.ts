import type { Estimator } from '../domain/estimate.ts';
import { compareTaskIds, priorityRank, type Task, type TaskId } from '../domain/task.ts';
import type { TaskGraph } from '../domain/task-graph.ts';

/**
 * The ready tasks in the order in which they start: interrupted tasks first, then by the longest remaining path (by
 * estimate), then by priority, then by id.
 */
export class ReadyQueue {
  readonly #estimate: Estimator;
  #graph: TaskGraph;
  /** The estimated length of the longest path from each task to the end of the graph. */
  #paths: ReadonlyMap<TaskId, number> = new Map();
  /** Best first. */
  #ids: TaskId[] = [];
  /** While the queue is filled: the tasks are sorted once at the end. */
  #isFilling = false;
  readonly #interrupted = new Set<TaskId>();

  constructor(graph: TaskGraph, estimate: Estimator) {
    this.#graph = graph;
    this.#estimate = estimate;
  }

  /** Best first. */
  get ids(): readonly TaskId[] {
    return this.#ids;
  }

  /** Empties the queue for a changed graph. `fill` adds the tasks that are ready in it. */
  refill(graph: TaskGraph, isOpen: (id: TaskId) => boolean, fill: () => void): void {
    this.#graph = graph;
    this.#paths = graph.remainingPath(this.#estimate, isOpen);
    this.#ids = [];
    this.#isFilling = true;
    fill();
    this.#isFilling = false;
    this.#ids.sort((a, b) => this.#compare(a, b));
  }

  add(id: TaskId): void {
    if (this.#isFilling) {
      this.#ids.push(id);
      return;
    }
    let low = 0;
    let high = this.#ids.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#compare(this.#ids[middle] ?? id, id) < 0) low = middle + 1;
      else high = middle;
    }
    this.#ids.splice(low, 0, id);
  }

  remove(id: TaskId): void {
    this.#ids = this.#ids.filter((other) => other !== id);
  }

  /** Takes at most `count` tasks from the front. */
  take(count: number): TaskId[] {
    return this.#ids.splice(0, count);
  }

  /** Puts a task before all others that were not interrupted, until it is done. Call it before the task is added. */
  prefer(id: TaskId, isInterrupted: boolean): void {
    if (isInterrupted) this.#interrupted.add(id);
    else this.#interrupted.delete(id);
  }

  /** One phrase: why a task has its place in the order. */
  explain(id: TaskId): string {
    const task = this.#graph.nodes.get(id);
    return task === undefined ? '' : explainPlace(task, this.#paths.get(id) ?? 0, this.#estimate);
  }

  #compare(a: TaskId, b: TaskId): number {
    const taskA = this.#graph.nodes.get(a);
    const taskB = this.#graph.nodes.get(b);
    if (taskA === undefined || taskB === undefined) return 0;
    return (
      Number(this.#interrupted.has(b)) - Number(this.#interrupted.has(a)) ||
      (this.#paths.get(b) ?? 0) - (this.#paths.get(a) ?? 0) ||
      priorityRank(taskA.priority) - priorityRank(taskB.priority) ||
      compareTaskIds(a, b)
    );
  }
}

/** Explains a task's place in the order; `path` is the length of the longest chain of work that starts with it. */
export function explainPlace(
  task: Pick<Task, 'size' | 'estimateMinutes' | 'priority'>,
  path: number,
  estimate: Estimator,
): string {
  const length =
    path - estimate(task) > 0.5
      ? `${formatMinutes(path)} of work from here to the end of its chain`
      : `nothing waits for it, ${formatMinutes(path)} of its own`;
  return `${length}, priority ${task.priority}`;
}

function formatMinutes(minutes: number): string {
  return `${Math.max(1, Math.round(minutes))} min`;
}
