import type { Estimator } from './estimate.ts';
import { isRunnable, isSettled, SIZES, TASK_STATUSES, type TaskId, type TaskStatus } from './task.ts';

/**
 * The facts that decide which tasks of a list can start, and in which order, as columns of numbers. So a list of a
 * hundred thousand tasks is read in a fraction of the time. Ordered by id.
 *
 * `task-graph.ts` and `scheduler.ts` define the rules. A test compares the results of this file with theirs.
 */
export interface TaskOutline {
  /** `3.2` is number 3, sub 2; a top-level task has sub 0. */
  readonly numbers: ArrayLike<number>;
  readonly subs: ArrayLike<number>;
  /** Positions in `TASK_STATUSES`, `PRIORITIES` and `SIZES`; a task without a size has the position after the last. */
  readonly statuses: ArrayLike<number>;
  readonly priorities: ArrayLike<number>;
  readonly sizes: ArrayLike<number>;
  readonly estimates: ArrayLike<number | null>;
  /** The dependencies: the task at each place needs the task at the same place of the `needs…` columns. */
  readonly dependencies: {
    readonly numbers: ArrayLike<number>;
    readonly subs: ArrayLike<number>;
    readonly needsNumbers: ArrayLike<number>;
    readonly needsSubs: ArrayLike<number>;
  };
}

/** The number of tasks in each state. Groups are not counted, because their subtasks are. */
export type TaskCounts = Readonly<Record<'total' | 'ready' | 'blocked' | TaskStatus, number>>;

/** A task that could start now, and the reason for its place in the order. */
export interface ReadyTask {
  readonly id: TaskId;
  /** The estimated length of the longest chain of open work that starts with it. */
  readonly path: number;
}

/** Answers questions about a list of tasks from its outline. */
export class OutlinedTasks {
  readonly #outline: TaskOutline;
  /** The position of the top-level task of each number, plus one. */
  readonly #tops: TopPositions;
  /** Pairs of positions: a task waits for another because of its own dependency or of its group's. */
  readonly #edges: Edges;

  constructor(outline: TaskOutline) {
    this.#outline = outline;
    this.#tops = findTops(outline);
    this.#edges = this.#readEdges();
  }

  /** Counts tasks. `pending` includes blocked tasks, `ready` includes failed tasks that can be tried again. */
  counts(): TaskCounts {
    const { statuses } = this.#outline;
    const waits = this.#waiting();
    const byStatus = TASK_STATUSES.map(() => 0);
    let [total, ready, blocked] = [0, 0, 0];
    for (let at = 0; at < statuses.length; at++) {
      if (this.#isGroup(at)) continue;
      const status = statuses[at] ?? 0;
      total++;
      byStatus[status] = (byStatus[status] ?? 0) + 1;
      if (waits[at] === 0 && RUNNABLE[status] === true) ready++;
      if (waits[at] === 1 && status === PENDING) blocked++;
    }
    const named = TASK_STATUSES.map((status, index) => [status, byStatus[index] ?? 0] as const);
    return { total, ready, blocked, ...(Object.fromEntries(named) as Record<TaskStatus, number>) };
  }

  /** The tasks that could start now, in the scheduler's order; undefined where there is a cycle. */
  ready(estimate: Estimator): ReadyTask[] | undefined {
    const { statuses, priorities, numbers, subs } = this.#outline;
    const paths = this.#paths(estimate);
    if (paths === undefined) return undefined;
    const waits = this.#waiting();
    const ready: number[] = [];
    for (let at = 0; at < statuses.length; at++)
      if (waits[at] === 0 && RUNNABLE[statuses[at] ?? 0] === true && !this.#isGroup(at)) ready.push(at);
    // Positions are in the order of ids.
    ready.sort(
      (a, b) => (paths[b] ?? 0) - (paths[a] ?? 0) || (priorities[a] ?? 0) - (priorities[b] ?? 0) || a - b,
    );
    return ready.map((at) => ({
      id: subs[at] === 0 ? String(numbers[at]) : `${numbers[at]}.${subs[at]}`,
      path: paths[at] ?? 0,
    }));
  }

  #isGroup(at: number): boolean {
    const { numbers, subs } = this.#outline;
    return subs[at] === 0 && numbers[at + 1] === numbers[at];
  }

  /** The position after the last subtask of a group. */
  #endOf(group: number): number {
    const { numbers } = this.#outline;
    let at = group + 1;
    while (at < numbers.length && numbers[at] === numbers[group]) at++;
    return at;
  }

  #find(number: number, sub: number): number | undefined {
    const top = this.#top(number);
    if (top === undefined || sub === 0) return top;
    const { numbers, subs } = this.#outline;
    for (let at = top + 1; numbers[at] === number; at++) if (subs[at] === sub) return at;
    return undefined;
  }

  #top(number: number): number | undefined {
    const top = (this.#tops instanceof Int32Array ? this.#tops[number] : this.#tops.get(number)) ?? 0;
    return top === 0 ? undefined : top - 1;
  }

  #readEdges(): Edges {
    const { dependencies, numbers } = this.#outline;
    const count = dependencies.numbers.length;
    const from = new Int32Array(count);
    const to = new Int32Array(count);
    let filled = 0;
    /** The edges that subtasks inherit from their groups; there are few. */
    const inherited: { from: number[]; to: number[] } = { from: [], to: [] };
    for (let edge = 0; edge < count; edge++) {
      const task = this.#find(dependencies.numbers[edge] ?? 0, dependencies.subs[edge] ?? 0);
      const need = this.#find(dependencies.needsNumbers[edge] ?? 0, dependencies.needsSubs[edge] ?? 0);
      if (task === undefined || need === undefined || task === need) continue;
      if (!this.#isGroup(task)) {
        from[filled] = task;
        to[filled++] = need;
        continue;
      }
      // Subtasks need whatever their group needs, except members of the group itself.
      if (numbers[need] === numbers[task]) continue;
      for (let subtask = task + 1; subtask < this.#endOf(task); subtask++) {
        inherited.from.push(subtask);
        inherited.to.push(need);
      }
    }
    return joinEdges({ from: from.subarray(0, filled), to: to.subarray(0, filled) }, inherited);
  }

  /** 1 for each task that needs an unsettled task. */
  #waiting(): Uint8Array {
    const { statuses } = this.#outline;
    const holds = new Uint8Array(statuses.length);
    for (let at = 0; at < statuses.length; at++) {
      if (SETTLED[statuses[at] ?? 0] === true || this.#isGroup(at)) continue;
      holds[at] = 1;
      const group = this.#groupOf(at);
      if (group !== undefined) holds[group] = 1;
    }
    const waits = new Uint8Array(statuses.length);
    const { from, to } = this.#edges;
    for (let edge = 0; edge < from.length; edge++) if (holds[to[edge] ?? 0] === 1) waits[from[edge] ?? 0] = 1;
    return waits;
  }

  #groupOf(at: number): number | undefined {
    const { numbers, subs } = this.#outline;
    return subs[at] === 0 ? undefined : this.#top(numbers[at] ?? 0);
  }

  /** The longest chain of open work that starts with each task, computed from the ends of the graph backwards. */
  #paths(estimate: Estimator): Float64Array | undefined {
    const { statuses, sizes, estimates } = this.#outline;
    const count = statuses.length;
    const { from, to } = this.#withGroups();
    /** The number of dependents of each task that are not processed yet. */
    const behind = new Int32Array(count);
    const starts = new Int32Array(count + 1);
    for (let edge = 0; edge < from.length; edge++) {
      behind[to[edge] ?? 0] = (behind[to[edge] ?? 0] ?? 0) + 1;
      starts[(from[edge] ?? 0) + 1] = (starts[(from[edge] ?? 0) + 1] ?? 0) + 1;
    }
    for (let at = 0; at < count; at++) starts[at + 1] = (starts[at + 1] ?? 0) + (starts[at] ?? 0);
    const needs = new Int32Array(from.length);
    const filled = starts.slice();
    for (let edge = 0; edge < from.length; edge++) {
      const task = from[edge] ?? 0;
      needs[filled[task] ?? 0] = to[edge] ?? 0;
      filled[task] = (filled[task] ?? 0) + 1;
    }

    const paths = new Float64Array(count);
    const queue = new Int32Array(count);
    let queued = 0;
    for (let at = 0; at < count; at++) if (behind[at] === 0) queue[queued++] = at;
    for (let head = 0; head < queued; head++) {
      const at = queue[head] ?? 0;
      if (SETTLED[statuses[at] ?? 0] !== true && !this.#isGroup(at)) {
        const own = { size: SIZES[sizes[at] ?? 0] ?? null, estimateMinutes: estimates[at] ?? null };
        paths[at] = estimate(own) + (paths[at] ?? 0);
      }
      for (let edge = starts[at] ?? 0; edge < (starts[at + 1] ?? 0); edge++) {
        const need = needs[edge] ?? 0;
        if ((paths[need] ?? 0) < (paths[at] ?? 0)) paths[need] = paths[at] ?? 0;
        behind[need] = (behind[need] ?? 0) - 1;
        if (behind[need] === 0) queue[queued++] = need;
      }
    }
    return queued === count ? paths : undefined;
  }

  /** All edges, with those from each group to its subtasks. */
  #withGroups(): Edges {
    const { numbers } = this.#outline;
    const from: number[] = [];
    const to: number[] = [];
    for (let at = 0; at < numbers.length; at++) {
      const group = this.#groupOf(at);
      if (group === undefined) continue;
      from.push(group);
      to.push(at);
    }
    return joinEdges(this.#edges, { from, to });
  }
}

interface Edges {
  readonly from: Int32Array;
  readonly to: Int32Array;
}

type TopPositions = Int32Array | ReadonlyMap<number, number>;

/** Uses an array, unless gaps in the numbers would make it huge. */
function findTops({ numbers, subs }: TaskOutline): TopPositions {
  const last = numbers[numbers.length - 1] ?? 0;
  const hasGaps = last > 4 * numbers.length + 1000;
  const sparse = new Map<number, number>();
  const tops = new Int32Array(hasGaps ? 0 : last + 1);
  for (let at = 0; at < numbers.length; at++) {
    if (subs[at] !== 0) continue;
    if (hasGaps) sparse.set(numbers[at] ?? 0, at + 1);
    else tops[numbers[at] ?? 0] = at + 1;
  }
  return hasGaps ? sparse : tops;
}

function joinEdges(edges: Edges, more: { from: readonly number[]; to: readonly number[] }): Edges {
  if (more.from.length === 0) return edges;
  const both = (own: Int32Array, others: readonly number[]): Int32Array => {
    const all = new Int32Array(own.length + others.length);
    all.set(own);
    all.set(others, own.length);
    return all;
  };
  return { from: both(edges.from, more.from), to: both(edges.to, more.to) };
}

const SETTLED = TASK_STATUSES.map(isSettled);
const RUNNABLE = TASK_STATUSES.map(isRunnable);
const PENDING = TASK_STATUSES.indexOf('pending');
