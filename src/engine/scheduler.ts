import type { Estimator } from '../domain/estimate.ts';
import type { RunCounts } from '../domain/event.ts';
import { ReadyQueue } from './ready-queue.ts';
import { isRunnable, isSettled, type Task, type TaskId } from '../domain/task.ts';
import type { TaskGraph } from '../domain/task-graph.ts';

/** What follows from a failed task: the others continue, nothing new starts, or running tasks are ended too. */
export const FAILURE_MODES = ['continue', 'no-new', 'kill'] as const;
export type FailureMode = (typeof FAILURE_MODES)[number];

export interface SchedulerOptions {
  /** The number of tasks that may run at once. */
  readonly slots: number;
  readonly failureMode: FailureMode;
  readonly estimate: Estimator;
  /** The tasks to run; all by default. */
  readonly only?: ReadonlySet<TaskId> | undefined;
}

/** A task that starts now. */
export interface Choice {
  readonly id: TaskId;
  /** Why it starts before the others. */
  readonly why: string;
}

/** What a task does after an attempt. A `released` task is left to a later run. */
export type NextStep =
  | { readonly kind: 'done' }
  /** `why` is given where it says more than the end of the last attempt. */
  | { readonly kind: 'failed'; readonly why?: string }
  | { readonly kind: 'released' }
  /** It is tried again, not before `at` (Unix milliseconds). `ahead` means before tasks that never started. */
  | { readonly kind: 'retry'; readonly at: number; readonly ahead?: boolean }
  /** Others hold the money that it needs: it is tried again at `at`, or earlier with `retryHeld`. */
  | { readonly kind: 'held'; readonly at: number };

/** The result of a task in this run. A `not-run` task never became ready, or was released. */
export type TaskResult = 'done' | 'failed' | 'not-run';

/*
 *            needs settled            take()              end(done)
 *   waiting ──────────────► ready ──────────► running ──────────────► done
 *                             ▲                  │ │ └── end(failed) ─► failed
 *                             │    at ≤ now      │ └──── end(released) ► released
 *                          retrying ◄────────────┘ end(retry)
 *
 *   excluded: stored as deferred, in progress or in review by hand, or not among the requested tasks
 */
type State =
  'waiting' | 'ready' | 'running' | 'retrying' | 'done' | 'failed' | 'released' | 'settled' | 'excluded';

/**
 * Decides which task starts next: of the tasks whose needs are settled, the first in the order of `ReadyQueue`. Pure over
 * the times it is given: the same calls give the same choices.
 */
export class Scheduler {
  readonly #options: SchedulerOptions;
  #graph: TaskGraph;
  readonly #states = new Map<TaskId, State>();
  /** The number of unsettled needs of each node. */
  readonly #missing = new Map<TaskId, number>();
  readonly #ready: ReadyQueue;
  /** When each retrying task is due, and whether it waits for money of running attempts. */
  readonly #retries = new Map<TaskId, { readonly at: number; readonly isHeld: boolean }>();
  /** No retry is due before this time. */
  #nextRetryAt = Infinity;
  /** The number of tasks that are neither settled nor running. */
  #open = 0;
  #running = 0;
  #stopped = false;

  constructor(graph: TaskGraph, options: SchedulerOptions) {
    this.#options = options;
    this.#graph = graph;
    this.#ready = new ReadyQueue(graph, options.estimate);
    this.update(graph);
  }

  /**
   * Takes over tasks that were added, changed or settled from outside. A task that runs or has ended here keeps its
   * state, unless a person has changed its status since.
   */
  update(graph: TaskGraph): void {
    this.#graph = graph;
    for (const id of this.#states.keys())
      if (!graph.nodes.has(id) && this.#states.get(id) !== 'running') this.#states.delete(id);
    for (const task of graph.nodes.values()) {
      const state = this.#states.get(task.id);
      if (state === 'running') continue;
      // It is left to a later run, unless a person cancelled or deferred it and then reopened it.
      if (state === 'released' && isRunnable(task.status)) continue;
      if (state === 'done' && !isRunnable(task.status)) continue;
      if (state === 'failed' && task.status === 'failed') continue;
      this.#states.set(task.id, this.#initialState(task, state));
    }
    for (const id of this.#retries.keys()) if (this.#states.get(id) !== 'retrying') this.#retries.delete(id);
    this.#missing.clear();
    const isUnsettled = (id: TaskId): boolean => !this.#isSettled(id);
    this.#ready.refill(graph, isUnsettled, () => {
      for (const id of graph.order) {
        const missing = graph.needs(id).filter(isUnsettled).length;
        this.#missing.set(id, missing);
        if (missing === 0) this.#unblock(id);
      }
    });
    this.#open = graph.leaves().filter((id) => isOpen(this.#states.get(id))).length;
  }

  /** The tasks to start now, best first: one for each free slot, at most `max`. They count as running from here on. */
  take(now: number, max = Infinity): Choice[] {
    if (this.#stopped) return [];
    if (this.#nextRetryAt <= now) {
      this.#nextRetryAt = Infinity;
      for (const [id, { at }] of this.#retries)
        if (at <= now) this.#bringBack(id);
        else this.#nextRetryAt = Math.min(this.#nextRetryAt, at);
    }
    const free = Math.max(0, this.#options.slots - this.#running);
    const chosen = this.#ready.take(Math.min(free, max));
    this.#running += chosen.length;
    return chosen.map((id) => {
      this.#set(id, 'running');
      return { id, why: this.#ready.explain(id) };
    });
  }

  /** Counts a task as running that started before this scheduler, because its worker is taken over. */
  adopt(id: TaskId): void {
    if (this.#states.get(id) === 'running') return;
    this.#ready.remove(id);
    this.#set(id, 'running');
    this.#running++;
  }

  /** Applies the next step of a running task. */
  end(id: TaskId, next: NextStep): void {
    if (this.#states.get(id) !== 'running')
      throw new Error(`Internal error: task ${id} ended but was not running.`);
    this.#running--;
    switch (next.kind) {
      case 'done':
        this.#ready.prefer(id, false);
        this.#states.set(id, 'done');
        this.#settle(id);
        return;
      case 'failed':
      case 'released':
        this.#states.set(id, next.kind);
        if (next.kind === 'failed' && this.#options.failureMode !== 'continue') this.#stopped = true;
        return;
      case 'retry':
      case 'held':
        if (next.kind === 'retry' && next.ahead === true) this.#ready.prefer(id, true);
        this.#set(id, 'retrying');
        this.#retries.set(id, { at: next.at, isHeld: next.kind === 'held' });
        this.#nextRetryAt = Math.min(this.#nextRetryAt, next.at);
        return;
    }
  }

  /** Lets the next `take` choose held tasks again. */
  retryHeld(): void {
    for (const [id, { isHeld }] of this.#retries) if (isHeld) this.#bringBack(id);
  }

  /** Whether a task is among the requested ones; an adopted task may not be. */
  includes(id: TaskId): boolean {
    return this.#options.only?.has(id) ?? true;
  }

  /** Starts no more tasks. */
  stop(): void {
    this.#stopped = true;
  }

  /** Whether nothing runs and nothing will. */
  get finished(): boolean {
    return (
      this.#running === 0 && (this.#stopped || (this.#ready.ids.length === 0 && this.#retries.size === 0))
    );
  }

  /** When to call `take` again although nothing ended, in Unix milliseconds; undefined for never. */
  nextWakeAt(): number | undefined {
    if (this.#stopped || this.#retries.size === 0 || this.#running >= this.#options.slots) return undefined;
    return this.#nextRetryAt;
  }

  /** Counts the tasks of this run. */
  counts(): RunCounts {
    const counts = { total: 0, done: 0, running: 0, failed: 0, waiting: 0 };
    for (const [, state] of this.#tasks()) {
      counts.total++;
      if (state === 'done' || state === 'running' || state === 'failed') counts[state]++;
      else counts.waiting++;
    }
    return counts;
  }

  /** The tasks of this run, each with its result. */
  results(): Map<TaskId, TaskResult> {
    const results = new Map<TaskId, TaskResult>();
    for (const [id, state] of this.#tasks())
      results.set(id, state === 'done' || state === 'failed' ? state : 'not-run');
    return results;
  }

  /** Ready tasks, best first, whether or not there is a slot for them. */
  ready(): readonly TaskId[] {
    return this.#ready.ids;
  }

  /** The number of tasks that have still to start, now or when others are done. */
  get open(): number {
    return this.#open;
  }

  /** One phrase: why a task has its place in the order. */
  explain(id: TaskId): string {
    return this.#ready.explain(id);
  }

  *#tasks(): Iterable<[TaskId, State]> {
    for (const id of this.#graph.leaves()) {
      const state = this.#states.get(id) ?? 'excluded';
      if (state !== 'settled' && state !== 'excluded') yield [id, state];
    }
  }

  #initialState(task: Task, before: State | undefined): State {
    if (isSettled(task.status)) return 'settled';
    if (this.#graph.isGroup(task.id)) return 'waiting';
    if (!isRunnable(task.status) || !this.includes(task.id)) return 'excluded';
    return before === 'retrying' ? 'retrying' : 'waiting';
  }

  #set(id: TaskId, state: State): void {
    this.#open += Number(isOpen(state)) - Number(isOpen(this.#states.get(id)));
    this.#states.set(id, state);
  }

  #bringBack(id: TaskId): void {
    this.#retries.delete(id);
    if (this.#states.get(id) !== 'retrying') return;
    this.#set(id, 'waiting');
    // A person may have added dependencies since.
    if (this.#missing.get(id) === 0) this.#enqueue(id);
  }

  #isSettled(id: TaskId): boolean {
    const state = this.#states.get(id);
    return state === 'done' || state === 'settled';
  }

  /** Continues with a node whose needs are all settled. */
  #unblock(id: TaskId): void {
    if (this.#graph.isGroup(id)) {
      if (this.#isSettled(id)) return;
      this.#states.set(id, 'settled');
      this.#settle(id);
    } else if (this.#states.get(id) === 'waiting') this.#enqueue(id);
  }

  #settle(id: TaskId): void {
    for (const next of this.#graph.neededBy(id)) {
      const missing = this.#missing.get(next);
      // Undefined while `update` has not reached the node: then it counts the settled needs itself.
      if (missing === undefined) continue;
      this.#missing.set(next, missing - 1);
      if (missing === 1) this.#unblock(next);
    }
  }

  #enqueue(id: TaskId): void {
    this.#set(id, 'ready');
    this.#ready.add(id);
  }
}

/** Predicts the minutes until every open task is done with `slots` workers, if each takes its estimated time. */
export function predictMinutes(graph: TaskGraph, slots: number, estimate: Estimator): number {
  const scheduler = new Scheduler(graph, { slots, failureMode: 'continue', estimate });
  const running: { id: TaskId; end: number }[] = [];
  let now = 0;
  for (;;) {
    for (const { id } of scheduler.take(now)) {
      const task = graph.nodes.get(id);
      running.push({ id, end: now + (task === undefined ? 0 : estimate(task)) });
    }
    const next = running.sort((a, b) => b.end - a.end).pop();
    if (next === undefined) return now;
    now = next.end;
    scheduler.end(next.id, { kind: 'done' });
  }
}

function isOpen(state: State | undefined): boolean {
  return state === 'waiting' || state === 'ready' || state === 'retrying';
}
