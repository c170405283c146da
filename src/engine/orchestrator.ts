import type { Attempt } from '../domain/attempt.ts';
import { Governor } from './governor.ts';
import type { RunParts, RunResult } from './run.ts';
import { Outbox } from './outbox.ts';
import { PauseNotifier } from './pause-notifier.ts';
import { RetryPolicy } from './retry-policy.ts';
import { runEnding } from './run-ending.ts';
import type { RunOptions } from './run-options.ts';
import { RunningAttempts, type EndedAttempt } from './running-attempts.ts';
import { Scheduler, type Choice } from './scheduler.ts';
import { type TaskGraph, buildStoredGraph } from '../domain/task-graph.ts';
import {
  abandonAttempt,
  beginAttempt,
  recoverAttempt,
  takenOver,
  settleAttempt,
  type BegunAttempt,
  type ExecutionContext,
} from './task-execution.ts';
import { WorkerPool } from '../domain/worker-pool.ts';

/** So many tasks are refused in one go for what is left; all, where the run would wait otherwise. */
const MOST_REFUSED = 64;
const LONGEST_TIMER_MS = 60_000;

/**
 * Runs the stored tasks in dependency order: recover → plan → schedule (each: work, verify, review, land) → deliver.
 *
 * When `signal` aborts, nothing new starts, running workers are ended, and the run ends as `interrupted`.
 */
export async function orchestrate(
  parts: RunParts,
  options: RunOptions,
  signal: AbortSignal,
): Promise<RunResult> {
  return await new Orchestrator(parts, options, signal).run();
}

class Orchestrator {
  readonly #parts: RunParts;
  readonly #options: RunOptions;
  readonly #signal: AbortSignal;
  readonly #governor: Governor;
  readonly #pool: WorkerPool;
  readonly #execution: ExecutionContext;
  readonly #attempts: RunningAttempts;
  readonly #outbox: Outbox;
  readonly #pauses: PauseNotifier;
  #graph: TaskGraph;
  readonly #scheduler: Scheduler;
  #isPlanned = false;
  #storeVersion = '';
  /** What made it impossible to go on: without the store nothing can be decided any more. */
  #fatal: { readonly error: unknown } | null = null;
  /** Resolves the wait of the schedule. */
  #wake: () => void = () => undefined;

  constructor(parts: RunParts, options: RunOptions, signal: AbortSignal) {
    this.#parts = parts;
    this.#options = options;
    this.#signal = signal;
    this.#outbox = new Outbox(parts.store, parts.reporter);
    this.#pool = new WorkerPool(options.workers);
    this.#attempts = new RunningAttempts(() => this.#wake());
    this.#governor = new Governor(options, parts.budget, parts.ledger, parts.random);
    this.#pauses = new PauseNotifier(options.runId, this.#governor, (event) =>
      this.#outbox.report(parts.store.record(event)),
    );
    this.#graph = buildStoredGraph(parts.store.tasks());
    this.#scheduler = new Scheduler(this.#graph, {
      slots: options.workers,
      failureMode: options.failureMode,
      estimate: parts.estimate,
      only: options.only && new Set(options.only.flatMap((id) => this.#graph.workOf(id))),
    });
    this.#execution = {
      ...parts,
      ...options,
      governor: this.#governor,
      retries: new RetryPolicy(options, parts.random),
      graph: () => this.#graph,
      others: () => ({ ready: this.#scheduler.ready().length, open: this.#scheduler.open }),
      report: (event) => this.#outbox.report(event),
      onAnswer: () => this.#checkLimits(),
    };
  }

  async run(): Promise<RunResult> {
    const { unfinished, notes } = await this.#prepare();
    this.#begin();
    const interrupt = (): void => {
      this.#attempts.stopAll();
      this.#wake();
    };
    this.#signal.addEventListener('abort', interrupt);
    if (this.#signal.aborted) interrupt();
    try {
      this.#takeOver(unfinished, notes);
    } catch (error) {
      this.#giveUp(error);
    }
    // After a failure too: what was taken over is brought to its end, so that no worker outlives its run.
    await this.#schedule();
    this.#signal.removeEventListener('abort', interrupt);
    if (this.#fatal !== null) throw this.#broken(this.#fatal.error);
    try {
      return await this.#end();
    } catch (error) {
      throw this.#broken(error);
    }
  }

  /** What is refused here is no run: nothing is stored of it, and nothing was started. */
  async #prepare(): Promise<{ unfinished: readonly Attempt[]; notes: readonly string[] }> {
    const { store, worker, workspaces, isAlive } = this.#parts;
    store.requireAlone(isAlive);
    const unfinished = store.attempts({ running: true });
    await worker.endOrphans(new Set(unfinished.map(({ id }) => id)));
    return { unfinished, notes: await workspaces.begin(this.#options.runId, unfinished) };
  }

  /** One run a project: throws where another one is alive. */
  #begin(): void {
    const { store, isAlive, reporter } = this.#parts;
    const { runId, process, workers, billing, accounts } = this.#options;
    const tasks = this.#scheduler.counts().total + store.attempts({ running: true }).length;
    const { maxCostUsd, maxCostPerTaskUsd } = this.#parts.budget.options;
    const told = { billing, accounts, maxCostUsd, maxCostPerTaskUsd };
    reporter.report(store.startRun({ id: runId, process, workers, tasks, ...told }, isAlive));
  }

  /** Takes over the attempts of a killed orchestrator. */
  #takeOver(unfinished: readonly Attempt[], notes: readonly string[]): void {
    const { store } = this.#parts;
    for (const message of notes) this.#outbox.report(store.record({ type: 'warning', message }));
    for (const attempt of unfinished) {
      this.#scheduler.adopt(attempt.taskId);
      this.#governor.adopt(attempt);
      this.#outbox.report(takenOver(attempt, this.#graph));
      this.#attempts.follow(attempt, (signal) => recoverAttempt(this.#execution, attempt, signal));
    }
    // What a person has given up meanwhile must not land.
    this.#refresh();
  }

  /** Has the work planned, once; while nothing may start, the manager would be refused like everybody else. */
  async #plan(): Promise<void> {
    const { store, plan, reporter, now } = this.#parts;
    if (this.#isPlanned || this.#mayNotStart() || this.#governor.startable(now()) === 0) return;
    try {
      const { runId } = this.#options;
      const source = await plan(store.tasks(), this.#signal);
      this.#checkLimits();
      // A plan that was refused is asked for again after the pause.
      this.#isPlanned = source !== 'stored' || this.#governor.startable(now()) > 0;
      if (this.#isPlanned) reporter.report(store.record({ type: 'run-planned', runId, source }));
      this.#refresh();
    } catch (error) {
      this.#giveUp(error);
    }
  }

  /** Starts what may start, waits until something changes, and so on until nothing is left that could start. */
  async #schedule(): Promise<void> {
    const poll = setInterval(() => this.#look(), this.#options.pollMs);
    try {
      for (;;) {
        const woken = new Promise<void>((resolve) => (this.#wake = resolve));
        this.#checkLimits();
        await this.#plan();
        if (this.#mayNotStart()) this.#scheduler.stop();
        this.#dispatch();
        if (!this.#attempts.isBusy && this.#isOver()) return;
        const timer = this.#wakeLater();
        await woken;
        clearTimeout(timer);
      }
    } finally {
      clearInterval(poll);
    }
  }

  /** For what comes with time alone: a retry, or the end of a pause. */
  #wakeLater(): NodeJS.Timeout | undefined {
    const { pause } = this.#governor;
    const now = this.#parts.now();
    // Once a pause is over by the clock, the first attempt after it says when to go on.
    const isPaused = pause !== null && this.#governor.startable(now) === 0;
    const at = isPaused ? (now < pause.until ? pause.until : undefined) : this.#scheduler.nextWakeAt();
    if (at === undefined) return undefined;
    // Not longer: a machine that sleeps stops its timers, but not the clock.
    return setTimeout(() => this.#wake(), Math.min(LONGEST_TIMER_MS, Math.max(1, at - now)));
  }

  /**
   * Settles the attempts that have ended and claims what may start then, in one transaction: workers that end
   * together wait for the disk once. Only what is stored is started.
   */
  #dispatch(): void {
    const ended = this.#attempts.takeEnded();
    const first = ended.length === 0 ? this.#candidate() : undefined;
    if (ended.length === 0 && first === undefined) return;
    try {
      const begun: BegunAttempt[] = [];
      this.#outbox.atomically(() => {
        const { pause } = this.#governor;
        for (const one of ended) this.#settle(one);
        // That a pause is over is told before what starts since it is.
        if (this.#governor.pause !== pause) this.#pauses.notify();
        if (ended.length > 0) this.#scheduler.retryHeld();
        let refused = 0;
        // Where one is refused, for instance since it is too large for what is left, another one gets its slot.
        const mayAsk = (): boolean => refused < MOST_REFUSED || begun.length + this.#attempts.running === 0;
        for (let choice = first ?? this.#candidate(); choice !== undefined;) {
          const start = beginAttempt(this.#execution, choice);
          if ('kind' in start) {
            refused++;
            this.#scheduler.end(choice.id, start);
          } else begun.push(start);
          choice = mayAsk() ? this.#candidate() : undefined;
        }
        if (refused > 0 && begun.length === 0 && this.#attempts.running === 0)
          this.#governor.pauseForPacing(this.#parts.now());
        this.#pauses.notify();
      });
      for (const { attempt, work } of begun) {
        this.#attempts.follow(attempt, (signal) => this.#pool.run(() => work(signal)));
      }
    } catch (error) {
      this.#giveUp(error);
    }
  }

  /** The best of what may start now; one at a time, so that each that is asked knows of the others that are ready. */
  #candidate(): Choice | undefined {
    if (!this.#isPlanned || this.#mayNotStart()) return undefined;
    const now = this.#parts.now();
    return this.#scheduler.take(now, Math.min(1, this.#governor.startable(now)))[0];
  }

  #settle({ attempt, end, isStopped }: EndedAttempt): void {
    const last = isStopped || !this.#scheduler.includes(attempt.taskId);
    const verdict =
      end === undefined
        ? abandonAttempt(this.#execution, attempt, last)
        : settleAttempt(this.#execution, attempt, end, last);
    this.#scheduler.end(attempt.taskId, verdict);
    if (verdict.kind === 'failed' && this.#options.failureMode === 'kill') this.#attempts.stopAll();
    if (this.#mayNotStart()) this.#scheduler.stop();
  }

  /** Takes in what was heard of limits, and tells a person what follows from it. */
  #checkLimits(): void {
    try {
      const { stop } = this.#governor;
      this.#governor.checkLimits(this.#parts.now());
      if (this.#pauses.notify() || this.#governor.stop !== stop) this.#wake();
    } catch (error) {
      this.#giveUp(error);
    }
  }

  /** Without the store nothing can be decided any more: what runs is ended, and the run fails. */
  #giveUp(error: unknown): void {
    this.#fatal ??= { error };
    this.#attempts.stopAll();
    this.#wake();
  }

  /** With no job left: does nothing more come? What was added in the last moment still belongs to this run. */
  #isOver(): boolean {
    if (this.#mayNotStart()) return true;
    return this.#scheduler.finished && !(this.#takeInChanges() && !this.#scheduler.finished);
  }

  #mayNotStart(): boolean {
    return this.#fatal !== null || this.#signal.aborted || this.#governor.stop !== null;
  }

  /** Takes in what other processes changed in the store; says whether there was anything. */
  #takeInChanges(): boolean {
    try {
      if (this.#parts.store.version() === this.#storeVersion) return false;
      this.#refresh();
    } catch (error) {
      this.#giveUp(error);
    }
    this.#wake();
    return true;
  }

  /** Looks for what others have changed, tasks in the store and limits on the accounts, and for who spends too much. */
  #look(): void {
    this.#takeInChanges();
    this.#attempts.stopUnless((taskId) => !this.#parts.budget.isOverdrawn(taskId));
    this.#checkLimits();
  }

  #refresh(): void {
    const { store, reporter, now } = this.#parts;
    this.#storeVersion = store.version();
    this.#graph = buildStoredGraph(store.tasks());
    // Of the others a person has said what is to become of them, or has deleted them.
    this.#attempts.stopUnless((taskId) => {
      const status = this.#graph.nodes.get(taskId)?.status;
      return status === 'in-progress' || status === 'review';
    });
    const before = this.#scheduler.results();
    this.#scheduler.update(this.#graph);
    const taskIds = [...this.#scheduler.results().keys()].filter((id) => !before.has(id));
    if (taskIds.length === 0) return;
    reporter.report({
      type: 'tasks-added',
      taskIds,
      source: 'while the run works',
      at: new Date(now()).toISOString(),
    });
  }

  async #end(): Promise<RunResult> {
    const { store, reporter, workspaces } = this.#parts;
    const { runId } = this.#options;
    const delivery = await workspaces.deliver();
    if (delivery.kind !== 'none') reporter.report(store.record({ type: 'run-delivered', runId, delivery }));
    const isInterrupted = this.#signal.aborted;
    const ending = runEnding(
      isInterrupted,
      this.#governor,
      this.#scheduler.counts(),
      this.#toCome(),
      delivery,
    );
    reporter.report(store.endRun(runId, ending.outcome, ending.message));
    return { ...ending, delivery, results: this.#scheduler.results() };
  }

  /** What the tasks that are left are expected to cost, in US dollars. */
  #toCome(): number {
    const left = [...this.#scheduler.results()].filter(([, result]) => result === 'not-run');
    return left.reduce((sum, [id]) => {
      const task = this.#graph.nodes.get(id);
      return sum + (task === undefined ? 0 : this.#parts.estimateCost(task));
    }, 0);
  }

  /** Ends the stored run where that is still possible: nothing must take it for one that goes on. */
  #broken(error: unknown): unknown {
    const { store, reporter } = this.#parts;
    const message = error instanceof Error ? error.message : String(error);
    try {
      reporter.report(store.endRun(this.#options.runId, 'interrupted', message));
    } catch {
      // The store is what failed; the next run finds this one without an end, and settles it.
    }
    return error;
  }
}
