import type { Attempt } from '../domain/attempt.ts';
import type { RunCounts, RunEnd } from '../domain/event.ts';
import { Governor } from './governor.ts';
import { Outbox } from './outbox.ts';
import { PauseNotifier } from './pause-notifier.ts';
import { RetryPolicy } from './retry-policy.ts';
import type { RunOptions, RunParts } from './run.ts';
import { RunningAttempts, type EndedAttempt } from './running-attempts.ts';
import { Scheduler, type Choice, type TaskResult } from './scheduler.ts';
import { TaskExecution, type BegunAttempt } from './task-execution.ts';
import type { TaskId } from '../domain/task.ts';
import { buildStoredGraph, type TaskGraph } from '../domain/task-graph.ts';

/** So many tasks may be refused in one go, unless nothing runs: then all are asked before the run waits. */
const MAX_REFUSED = 64;
/** A machine that sleeps stops its timers but not the clock, so no timer is longer than this. */
const MAX_TIMER_MS = 60_000;

/** Does the tasks of a run: starts what may start, waits for a change, and repeats that until nothing is left to start. */
export class Dispatcher {
  readonly #parts: RunParts;
  readonly #options: RunOptions;
  readonly #signal: AbortSignal;
  readonly #governor: Governor;
  readonly #scheduler: Scheduler;
  readonly #execution: TaskExecution;
  readonly #attempts = new RunningAttempts(() => this.#wake());
  readonly #outbox: Outbox;
  readonly #notifier: PauseNotifier;
  #graph: TaskGraph;
  #storeVersion = '';
  #isPlanned = false;
  /** The error that makes it impossible to continue: without the store, nothing can be decided. */
  #fatal: { readonly error: unknown } | null = null;
  /** Ends the wait for a change. */
  #wake: () => void = () => undefined;

  constructor(parts: RunParts, options: RunOptions, signal: AbortSignal) {
    this.#parts = parts;
    this.#options = options;
    this.#signal = signal;
    this.#outbox = new Outbox(parts.store, parts.reporter);
    this.#governor = new Governor(options, parts.budget, parts.ledger, parts.random);
    this.#notifier = new PauseNotifier(options.runId, this.#governor, (event) =>
      this.#outbox.report(parts.store.record(event)),
    );
    this.#graph = buildStoredGraph(parts.store.tasks());
    this.#scheduler = new Scheduler(this.#graph, {
      slots: options.workers,
      failureMode: options.failureMode,
      estimate: parts.estimate,
      only: options.only && new Set(options.only.flatMap((id) => this.#graph.workOf(id))),
    });
    this.#execution = new TaskExecution({
      ...parts,
      ...options,
      governor: this.#governor,
      retries: new RetryPolicy(options, parts.random),
      graph: () => this.#graph,
      others: () => ({ ready: this.#scheduler.ready().length, open: this.#scheduler.open }),
      report: (event) => this.#outbox.report(event),
      onAnswer: () => this.#checkLimits(),
    });
  }

  /** Takes over the attempts of a killed orchestrator, then does what is left. Throws where the store fails. */
  async run(unfinished: readonly Attempt[]): Promise<void> {
    const interrupt = (): void => {
      this.#attempts.stopAll();
      this.#wake();
    };
    this.#signal.addEventListener('abort', interrupt);
    if (this.#signal.aborted) interrupt();
    this.#guard(() => this.#takeOver(unfinished));
    // After a failure too, adopted attempts are brought to their end, so that no worker outlives its run.
    await this.#loop();
    this.#signal.removeEventListener('abort', interrupt);
    if (this.#fatal !== null) throw this.#fatal.error;
  }

  /** Why nothing starts any more; null while something may. */
  get stop(): RunEnd | null {
    return this.#governor.stop;
  }

  /** The number of tasks that the budget cut short. */
  get overBudget(): number {
    return this.#governor.overBudget;
  }

  counts(): RunCounts {
    return this.#scheduler.counts();
  }

  results(): Map<TaskId, TaskResult> {
    return this.#scheduler.results();
  }

  /** The expected cost of the tasks that are left, in US dollars. */
  expectedUsd(): number {
    let sum = 0;
    for (const [id, result] of this.#scheduler.results()) {
      const task = this.#graph.nodes.get(id);
      if (result === 'not-run' && task !== undefined) sum += this.#parts.estimateCost(task);
    }
    return sum;
  }

  #takeOver(unfinished: readonly Attempt[]): void {
    for (const attempt of unfinished) {
      this.#scheduler.adopt(attempt.taskId);
      this.#governor.adopt(attempt);
      this.#execution.reportTakeover(attempt);
      this.#attempts.follow(attempt, (signal) => this.#execution.recover(attempt, signal));
    }
    // Work on a task that a person has cancelled since must not land.
    this.#refresh();
  }

  async #loop(): Promise<void> {
    const poll = setInterval(() => this.#poll(), this.#options.pollMs);
    try {
      for (;;) {
        const woken = new Promise<void>((resolve) => (this.#wake = resolve));
        this.#checkLimits();
        await this.#plan();
        if (this.#isStopping) this.#scheduler.stop();
        this.#dispatch();
        if (!this.#attempts.isBusy && this.#isFinished()) return;
        const timer = this.#wakeLater();
        await woken;
        clearTimeout(timer);
      }
    } finally {
      clearInterval(poll);
    }
  }

  /** Has the work planned once. During a pause, the manager would be refused like any worker. */
  async #plan(): Promise<void> {
    const { store, plan, reporter, now } = this.#parts;
    if (this.#isPlanned || this.#isStopping || this.#governor.startable(now()) === 0) return;
    try {
      const { runId } = this.#options;
      const source = await plan(store.tasks(), this.#signal);
      this.#checkLimits();
      // A plan that a limit refused is asked for again after the pause.
      this.#isPlanned = source !== 'stored' || this.#governor.startable(now()) > 0;
      if (this.#isPlanned) reporter.report(store.record({ type: 'run-planned', runId, source }));
      this.#refresh();
    } catch (error) {
      this.#giveUp(error);
    }
  }

  /**
   * Settles the attempts that have ended and claims what may start then, in one transaction: workers that end together
   * wait for the disk once. An attempt starts only when it is stored.
   */
  #dispatch(): void {
    const ended = this.#attempts.takeEnded();
    const first = ended.length === 0 ? this.#choose() : undefined;
    if (ended.length === 0 && first === undefined) return;
    this.#guard(() => {
      let begun: BegunAttempt[] = [];
      this.#outbox.atomically(() => {
        const { pause } = this.#governor;
        for (const one of ended) this.#settle(one);
        // The end of a pause is reported before the attempts that start after it.
        if (this.#governor.pause !== pause) this.#notifier.notify();
        if (ended.length > 0) this.#scheduler.retryHeld();
        begun = this.#begin(first ?? this.#choose());
        this.#notifier.notify();
      });
      for (const { attempt, work } of begun) this.#attempts.follow(attempt, work);
    });
  }

  #settle({ attempt, end, isStopped }: EndedAttempt): void {
    const isLast = isStopped || !this.#scheduler.includes(attempt.taskId);
    const next =
      end === undefined
        ? this.#execution.abandon(attempt, isLast)
        : this.#execution.settle(attempt, end, isLast);
    this.#scheduler.end(attempt.taskId, next);
    if (next.kind === 'failed' && this.#options.failureMode === 'kill') this.#attempts.stopAll();
    if (this.#isStopping) this.#scheduler.stop();
  }

  /** Begins attempts while there are slots. A task that is refused, such as for its size, leaves its slot to another. */
  #begin(first: Choice | undefined): BegunAttempt[] {
    const begun: BegunAttempt[] = [];
    let refused = 0;
    const runsNothing = (): boolean => begun.length + this.#attempts.running === 0;
    for (let choice = first; choice !== undefined;) {
      const start = this.#execution.begin(choice);
      if ('kind' in start) {
        refused++;
        this.#scheduler.end(choice.id, start);
      } else begun.push(start);
      choice = refused < MAX_REFUSED || runsNothing() ? this.#choose() : undefined;
    }
    if (refused > 0 && runsNothing()) this.#governor.pauseForPacing(this.#parts.now());
    return begun;
  }

  /** Chooses one task at a time, so that each that is asked knows which others are ready. */
  #choose(): Choice | undefined {
    if (!this.#isPlanned || this.#isStopping) return undefined;
    const now = this.#parts.now();
    return this.#scheduler.take(now, Math.min(1, this.#governor.startable(now)))[0];
  }

  /** Sets a timer for what comes with time alone: a retry, or the end of a pause. */
  #wakeLater(): NodeJS.Timeout | undefined {
    const { pause } = this.#governor;
    const now = this.#parts.now();
    // After the time of a pause, the first attempt decides when others start.
    const isPaused = pause !== null && this.#governor.startable(now) === 0;
    const at = isPaused ? (now < pause.until ? pause.until : undefined) : this.#scheduler.nextWakeAt();
    if (at === undefined) return undefined;
    return setTimeout(() => this.#wake(), Math.min(MAX_TIMER_MS, Math.max(1, at - now)));
  }

  /** Whether nothing more comes, now that nothing runs. A task that was just added still belongs to this run. */
  #isFinished(): boolean {
    if (this.#isStopping) return true;
    return this.#scheduler.finished && !(this.#refreshIfChanged() && !this.#scheduler.finished);
  }

  get #isStopping(): boolean {
    return this.#fatal !== null || this.#signal.aborted || this.#governor.stop !== null;
  }

  /** Looks for changes by others, in the store and in the limits, and for attempts that spend too much. */
  #poll(): void {
    this.#refreshIfChanged();
    this.#attempts.stopUnless((taskId) => !this.#parts.budget.isOverdrawn(taskId));
    this.#checkLimits();
  }

  /** Applies what is known about limits, and reports what follows from it. */
  #checkLimits(): void {
    this.#guard(() => {
      const { stop } = this.#governor;
      this.#governor.checkLimits(this.#parts.now());
      if (this.#notifier.notify() || this.#governor.stop !== stop) this.#wake();
    });
  }

  /** Takes over what other processes changed in the store. Returns whether there was anything. */
  #refreshIfChanged(): boolean {
    const isUnchanged = this.#guard(() => {
      const isSame = this.#parts.store.version() === this.#storeVersion;
      if (!isSame) this.#refresh();
      return isSame;
    });
    if (isUnchanged !== true) this.#wake();
    return isUnchanged !== true;
  }

  #refresh(): void {
    const { store, reporter, now } = this.#parts;
    this.#storeVersion = store.version();
    this.#graph = buildStoredGraph(store.tasks());
    // A person has given any other task another status, or has deleted it.
    this.#attempts.stopUnless((taskId) => {
      const status = this.#graph.nodes.get(taskId)?.status;
      return status === 'in-progress' || status === 'review';
    });
    const before = this.#scheduler.results();
    this.#scheduler.update(this.#graph);
    const taskIds = [...this.#scheduler.results().keys()].filter((id) => !before.has(id));
    if (taskIds.length === 0) return;
    const at = new Date(now()).toISOString();
    reporter.report({ type: 'tasks-added', taskIds, source: 'while the run works', at });
  }

  /** Returns undefined where `work` fails: then the run gives up. */
  #guard<T>(work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      this.#giveUp(error);
      return undefined;
    }
  }

  /** Ends what runs and lets the run fail. */
  #giveUp(error: unknown): void {
    this.#fatal ??= { error };
    this.#attempts.stopAll();
    this.#wake();
  }
}
