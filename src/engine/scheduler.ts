import type { Estimator } from '../domain/estimate.ts';
import type { RunCounts } from '../domain/event.ts';
import {
  isRunnable,
  isSettled,
  compareTaskIds,
  priorityRank,
  type Task,
  type TaskId,
} from '../domain/task.ts';
import type { TaskGraph } from '../domain/task-graph.ts';

/** What a failed task means for the others: go on, start nothing new, or end what runs too. */
export const FAILURE_MODES = ['continue', 'no-new', 'kill'] as const;
export type FailureMode = (typeof FAILURE_MODES)[number];

export interface SchedulerOptions {
  /** How many tasks may run at once. */
  readonly slots: number;
  readonly failureMode: FailureMode;
  readonly estimate: Estimator;
  /** The tasks that are to be run; all of them if left away. */
  readonly only?: ReadonlySet<TaskId> | undefined;
}

/** A task that is to start now. */
export interface Choice {
  readonly id: TaskId;
  /** Why it goes before the others. */
  readonly why: string;
}

/** How a started task came back. `released` leaves it to a later run. */
export type Verdict =
  | { readonly kind: 'done' }
  /** `why` is told where it is more than how the last attempt ended. */
  | { readonly kind: 'failed'; readonly why?: string }
  | { readonly kind: 'released' }
  /** To be tried again, not before `at` (Unix milliseconds); `ahead` of what was never begun. */
  | { readonly kind: 'retry'; readonly at: number; readonly ahead?: boolean }
  /** Refused since others hold what it needs: to be asked again at `at`, or with `recall` where one of them ends. */
  | { readonly kind: 'held'; readonly at: number };

/** What became of a task in this run; `not-run` ones were never ready, excluded, or released. */
export type TaskResult = 'done' | 'failed' | 'not-run';

/*
 *            needs settled            take()              end(done)
 *   waiting ──────────────► ready ──────────► running ──────────────► done
 *                             ▲                  │ │ └── end(failed) ─► failed
 *                             │    at ≤ now      │ └──── end(released) ► released
 *                          retrying ◄────────────┘ end(retry)
 *
 *   excluded: stored as deferred, in progress or in review by hand, or not among the tasks asked for
 */
type State =
  'waiting' | 'ready' | 'running' | 'retrying' | 'done' | 'failed' | 'released' | 'settled' | 'excluded';

/**
 * Decides which task starts next. Pure over the times it is given: the same calls give the same choices.
 *
 * Of the tasks whose needs are settled, the one with the longest remaining path (by estimate) goes first, then the
 * more urgent priority, then the smaller id.
 */
export class Scheduler {
  readonly #options: SchedulerOptions;
  #graph: TaskGraph;
  readonly #states = new Map<TaskId, State>();
  #paths: ReadonlyMap<TaskId, number> = new Map();
  /** How many unsettled needs each node still has. */
  readonly #missing = new Map<TaskId, number>();
  /** Best first. */
  #ready: TaskId[] = [];
  /** While all are gathered anew: they are put in order once, in the end. */
  #isGathering = false;
  readonly #retries = new Map<TaskId, number>();
  /** No retry is due before this. */
  #nextRetryAt = Infinity;
  /** Those among the retries that wait for what others hold. */
  readonly #held = new Set<TaskId>();
  /** Work that is not settled and does not run. */
  #open = 0;
  /** Tasks that were interrupted for no fault of their own: what is begun is finished first. */
  readonly #begun = new Set<TaskId>();
  #running = 0;
  #stopped = false;

  constructor(graph: TaskGraph, options: SchedulerOptions) {
    this.#options = options;
    this.#graph = graph;
    this.update(graph);
  }

  /**
   * Takes over tasks that were added, changed or settled from outside. What runs or has ended here stays so, unless a
   * person has given it another status since.
   */
  update(graph: TaskGraph): void {
    this.#graph = graph;
    this.#ready = [];
    for (const id of this.#states.keys())
      if (!graph.nodes.has(id) && this.#states.get(id) !== 'running') this.#states.delete(id);
    for (const task of graph.nodes.values()) {
      const state = this.#states.get(task.id);
      if (state === 'running') continue;
      // Left to a later run, unless it is taken up again after it was cancelled or put off.
      if (state === 'released' && isRunnable(task.status)) continue;
      if (state === 'done' && !isRunnable(task.status)) continue;
      if (state === 'failed' && task.status === 'failed') continue;
      this.#states.set(task.id, this.#initialState(task, state));
    }
    for (const id of this.#retries.keys()) {
      if (this.#states.get(id) === 'retrying') continue;
      this.#retries.delete(id);
      this.#held.delete(id);
    }
    this.#paths = graph.remainingPath(this.#options.estimate, (id) => !this.#isSettled(id));
    this.#missing.clear();
    this.#isGathering = true;
    for (const id of graph.order) {
      const missing = graph.needs(id).filter((need) => !this.#isSettled(need)).length;
      this.#missing.set(id, missing);
      if (missing === 0) this.#unblock(id);
    }
    this.#isGathering = false;
    this.#ready.sort((a, b) => this.#compare(a, b));
    this.#open = graph.leaves().filter((id) => isOpen(this.#states.get(id))).length;
  }

  /** Tasks to start now, best first, as many as there are free slots, at `most`; each counts as running from here on. */
  take(now: number, most = Infinity): Choice[] {
    if (this.#stopped) return [];
    if (this.#nextRetryAt <= now) {
      this.#nextRetryAt = Infinity;
      for (const [id, at] of this.#retries)
        if (at <= now) this.#bringBack(id);
        else this.#nextRetryAt = Math.min(this.#nextRetryAt, at);
    }
    const free = Math.max(0, this.#options.slots - this.#running);
    const chosen = this.#ready.splice(0, Math.min(free, most));
    this.#running += chosen.length;
    return chosen.map((id) => {
      this.#set(id, 'running');
      return { id, why: this.explain(id) };
    });
  }

  /** Counts a task as running that was started before this scheduler, such as a worker that is taken over. */
  adopt(id: TaskId): void {
    if (this.#states.get(id) === 'running') return;
    this.#ready = this.#ready.filter((other) => other !== id);
    this.#set(id, 'running');
    this.#running++;
  }

  /** Settles a running task. */
  end(id: TaskId, verdict: Verdict): void {
    if (this.#states.get(id) !== 'running')
      throw new Error(`Internal error: task ${id} ended but was not running.`);
    this.#running--;
    switch (verdict.kind) {
      case 'done':
        this.#begun.delete(id);
        this.#states.set(id, 'done');
        this.#settle(id);
        return;
      case 'failed':
        this.#states.set(id, 'failed');
        if (this.#options.failureMode !== 'continue') this.#stopped = true;
        return;
      case 'released':
        this.#states.set(id, 'released');
        return;
      case 'retry':
        this.#retryAt(id, verdict.at);
        if (verdict.ahead === true) this.#begun.add(id);
        return;
      case 'held':
        this.#retryAt(id, verdict.at);
        this.#held.add(id);
        return;
    }
  }

  /** Asks those again at the next `take` that wait for what others hold. */
  recall(): void {
    for (const id of this.#held) this.#bringBack(id);
  }

  /** Whether a task is among those asked for; one that was adopted need not be. */
  wants(id: TaskId): boolean {
    return this.#options.only?.has(id) ?? true;
  }

  /** Starts nothing any more. */
  stop(): void {
    this.#stopped = true;
  }

  /** Nothing runs, and nothing will. */
  get finished(): boolean {
    return this.#running === 0 && (this.#stopped || (this.#ready.length === 0 && this.#retries.size === 0));
  }

  /** When `take` should be called again although nothing ended (Unix milliseconds); undefined if never. */
  nextWakeAt(): number | undefined {
    if (this.#stopped || this.#retries.size === 0 || this.#running >= this.#options.slots) return undefined;
    return this.#nextRetryAt;
  }

  /** Counts over the tasks that this run is about. */
  counts(): RunCounts {
    const counts = { total: 0, done: 0, running: 0, failed: 0, waiting: 0 };
    for (const id of this.#graph.leaves()) {
      const state = this.#states.get(id);
      if (state === undefined || state === 'settled' || state === 'excluded') continue;
      counts.total++;
      if (state === 'done' || state === 'running' || state === 'failed') counts[state]++;
      else counts.waiting++;
    }
    return counts;
  }

  /** The tasks of this run with what became of them; each has exactly one result. */
  results(): Map<TaskId, TaskResult> {
    const results = new Map<TaskId, TaskResult>();
    for (const id of this.#graph.leaves()) {
      const state = this.#states.get(id);
      if (state === undefined || state === 'settled' || state === 'excluded') continue;
      results.set(id, state === 'done' || state === 'failed' ? state : 'not-run');
    }
    return results;
  }

  /** Ready tasks, best first, whether or not there is a slot for them. */
  ready(): readonly TaskId[] {
    return this.#ready;
  }

  /** How many tasks have still to start, now or when others are done. */
  get open(): number {
    return this.#open;
  }

  /** One phrase: what puts a task where it is in the order. */
  explain(id: TaskId): string {
    const task = this.#graph.nodes.get(id);
    if (task === undefined) return '';
    return explainPlace(task, this.#paths.get(id) ?? 0, this.#options.estimate);
  }

  #initialState(task: Task, before: State | undefined): State {
    if (isSettled(task.status)) return 'settled';
    if (this.#graph.isGroup(task.id)) return 'waiting';
    if (!isRunnable(task.status) || !this.wants(task.id)) return 'excluded';
    return before === 'retrying' ? 'retrying' : 'waiting';
  }

  #set(id: TaskId, state: State): void {
    this.#open += Number(isOpen(state)) - Number(isOpen(this.#states.get(id)));
    this.#states.set(id, state);
  }

  #retryAt(id: TaskId, at: number): void {
    this.#set(id, 'retrying');
    this.#retries.set(id, at);
    this.#nextRetryAt = Math.min(this.#nextRetryAt, at);
  }

  #bringBack(id: TaskId): void {
    this.#retries.delete(id);
    this.#held.delete(id);
    if (this.#states.get(id) !== 'retrying') return;
    this.#set(id, 'waiting');
    // What it needs may have become more meanwhile.
    if (this.#missing.get(id) === 0) this.#enqueue(id);
  }

  #isSettled(id: TaskId): boolean {
    const state = this.#states.get(id);
    return state === 'done' || state === 'settled';
  }

  /** Every need of the node is settled. */
  #unblock(id: TaskId): void {
    if (this.#graph.isGroup(id)) {
      if (this.#isSettled(id)) return;
      this.#states.set(id, 'settled');
      this.#settle(id);
    } else if (this.#states.get(id) === 'waiting') {
      this.#enqueue(id);
    }
  }

  #settle(id: TaskId): void {
    for (const next of this.#graph.neededBy(id)) {
      const missing = this.#missing.get(next);
      // Undefined while `update` has not come to the node yet: it will count what is settled by then.
      if (missing === undefined) continue;
      this.#missing.set(next, missing - 1);
      if (missing === 1) this.#unblock(next);
    }
  }

  #enqueue(id: TaskId): void {
    this.#set(id, 'ready');
    if (this.#isGathering) {
      this.#ready.push(id);
      return;
    }
    let low = 0;
    let high = this.#ready.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#compare(this.#ready[middle] ?? id, id) < 0) low = middle + 1;
      else high = middle;
    }
    this.#ready.splice(low, 0, id);
  }

  #compare(a: TaskId, b: TaskId): number {
    const taskA = this.#graph.nodes.get(a);
    const taskB = this.#graph.nodes.get(b);
    if (taskA === undefined || taskB === undefined) return 0;
    return (
      Number(this.#begun.has(b)) - Number(this.#begun.has(a)) ||
      (this.#paths.get(b) ?? 0) - (this.#paths.get(a) ?? 0) ||
      priorityRank(taskA.priority) - priorityRank(taskB.priority) ||
      compareTaskIds(a, b)
    );
  }
}

/** What puts a task where it is in the order, from the longest chain of work that begins with it. */
export function explainPlace(
  task: Pick<Task, 'size' | 'estimateMinutes' | 'priority'>,
  path: number,
  estimate: Estimator,
): string {
  const length =
    path - estimate(task) > 0.5
      ? `${minutes(path)} of work from here to the end of its chain`
      : `nothing waits for it, ${minutes(path)} of its own`;
  return `${length}, priority ${task.priority}`;
}

function isOpen(state: State | undefined): boolean {
  return state === 'waiting' || state === 'ready' || state === 'retrying';
}

function minutes(value: number): string {
  return `${Math.max(1, Math.round(value))} min`;
}
