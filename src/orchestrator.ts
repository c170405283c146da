import type { Attempt, AttemptEnd, ProcessIdentity } from './attempt.ts';
import type { Estimator } from './estimate.ts';
import type { RunOutcome } from './event.ts';
import { Governor } from './governor.ts';
import { Outbox } from './outbox.ts';
import type { Reporter } from './reporting/reporter.ts';
import { RetryPolicy } from './retry-policy.ts';
import { runEnding } from './run-ending.ts';
import type { RunOptions } from './run-options.ts';
import { Scheduler, type TaskResult } from './scheduler.ts';
import type { TaskStore } from './store/store.ts';
import { storedGraph } from './stored-graph.ts';
import type { Task, TaskId } from './task.ts';
import {
  abandonAttempt,
  beginAttempt,
  recoverAttempt,
  takenOver,
  settleAttempt,
  type BegunAttempt,
  type ExecutionContext,
} from './task-execution.ts';
import type { TaskGraph } from './task-graph.ts';
import { WorkerPool } from './worker-pool.ts';
import type { Worker } from './worker/worker.ts';
import type { Workspaces } from './workspace/workspace.ts';

/** The parts a run is made of. */
export interface Orchestration {
  readonly store: TaskStore;
  readonly worker: Worker;
  readonly workspaces: Workspaces;
  readonly reporter: Reporter;
  /** Improves the plan that is stored before anything starts, and says where it came from; it never rejects. */
  readonly plan: (tasks: readonly Task[], signal: AbortSignal) => Promise<'manager' | 'cache' | 'stored'>;
  readonly estimate: Estimator;
  /** What the manager has cost in this run so far, in US dollars. */
  readonly managerUsd: () => number;
  readonly isAlive: (process: ProcessIdentity) => boolean;
  readonly newSessionId: () => string;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** 0 ≤ x < 1. */
  readonly random: () => number;
}

/** How a run ended, and what became of each of its tasks. */
export interface RunResult {
  readonly outcome: RunOutcome;
  readonly message: string;
  readonly results: ReadonlyMap<TaskId, TaskResult>;
}

/**
 * Runs the stored tasks in dependency order: recover → plan → schedule (each: work, verify, review, land) → deliver.
 *
 * When `signal` aborts, nothing new starts, running workers are ended, and the run ends as `interrupted`.
 */
export async function orchestrate(
  parts: Orchestration,
  options: RunOptions,
  signal: AbortSignal,
): Promise<RunResult> {
  return await new Orchestrator(parts, options, signal).run();
}

class Orchestrator {
  readonly #parts: Orchestration;
  readonly #options: RunOptions;
  readonly #signal: AbortSignal;
  /** Ends running workers: when `#signal` does, in failure mode `kill`, and when the store is lost. */
  readonly #endWorkers = new AbortController();
  readonly #governor: Governor;
  readonly #pool: WorkerPool;
  readonly #execution: ExecutionContext;
  readonly #jobs = new Set<Promise<void>>();
  /** Ends one worker alone, by the attempt's id. */
  readonly #running = new Map<number, { readonly taskId: TaskId; readonly stop: AbortController }>();
  /** Attempts that have ended and are not settled yet. */
  readonly #ended: { readonly attempt: Attempt; readonly end: AttemptEnd | undefined }[] = [];
  readonly #outbox: Outbox;
  #graph: TaskGraph;
  readonly #scheduler: Scheduler;
  #storeVersion = '';
  /** What made it impossible to go on: without the store nothing can be decided any more. */
  #fatal: { readonly error: unknown } | null = null;
  /** Resolves the wait of the schedule. */
  #wake: () => void = () => undefined;

  constructor(parts: Orchestration, options: RunOptions, signal: AbortSignal) {
    this.#parts = parts;
    this.#options = options;
    this.#signal = signal;
    this.#outbox = new Outbox(parts.store, parts.reporter);
    this.#pool = new WorkerPool(options.workers);
    this.#governor = new Governor({ ...options, slots: options.workers, managerUsd: parts.managerUsd });
    this.#graph = storedGraph(parts.store.tasks());
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
      report: (event) => this.#outbox.report(event),
    };
  }

  async run(): Promise<RunResult> {
    this.#begin();
    const interrupt = (): void => {
      this.#endWorkers.abort();
      this.#wake();
    };
    this.#signal.addEventListener('abort', interrupt);
    if (this.#signal.aborted) interrupt();
    try {
      await this.#recover();
      await this.#plan();
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

  /** One run a project: throws where another one is alive. */
  #begin(): void {
    const { store, isAlive, reporter } = this.#parts;
    const { runId, process, workers, billing } = this.#options;
    const tasks = this.#scheduler.counts().total + store.attempts({ running: true }).length;
    reporter.report(store.startRun({ id: runId, process, workers, billing, tasks }, isAlive));
  }

  /** Takes over the attempts of a killed orchestrator, and ends what else it left running. */
  async #recover(): Promise<void> {
    const { store, worker, workspaces } = this.#parts;
    const unfinished = store.attempts({ running: true });
    await worker.endOrphans(new Set(unfinished.map(({ id }) => id)));
    for (const message of await workspaces.begin(this.#options.runId, unfinished))
      this.#outbox.report(store.record({ type: 'warning', message }));
    for (const attempt of unfinished) {
      this.#scheduler.adopt(attempt.taskId);
      this.#outbox.report(takenOver(attempt, this.#graph));
      this.#follow(attempt, (signal) => recoverAttempt(this.#execution, attempt, signal));
    }
    // What a person has given up meanwhile must not land.
    this.#refresh();
  }

  async #plan(): Promise<void> {
    const { store, plan, reporter } = this.#parts;
    if (this.#signal.aborted) return;
    const { runId } = this.#options;
    const source = await plan(store.tasks(), this.#signal);
    reporter.report(store.record({ type: 'run-planned', runId, source }));
    this.#refresh();
  }

  /** Starts what may start, waits until something changes, and so on until nothing is left that could start. */
  async #schedule(): Promise<void> {
    const { now } = this.#parts;
    const poll = setInterval(() => this.#takeInChanges(), this.#options.pollMs);
    try {
      for (;;) {
        const woken = new Promise<void>((resolve) => (this.#wake = resolve));
        if (this.#mayNotStart()) this.#scheduler.stop();
        this.#dispatch();
        if (this.#jobs.size + this.#ended.length === 0 && this.#isOver()) return;
        const wakeAt = this.#scheduler.nextWakeAt();
        const timer =
          wakeAt === undefined ? undefined : setTimeout(() => this.#wake(), Math.max(1, wakeAt - now()));
        await woken;
        clearTimeout(timer);
      }
    } finally {
      clearInterval(poll);
    }
  }

  /**
   * Settles the attempts that have ended and claims what may start then, in one transaction: workers that end
   * together wait for the disk once. Only what is stored is started.
   */
  #dispatch(): void {
    const ended = this.#ended.splice(0);
    const { now } = this.#parts;
    const ready = ended.length === 0 ? this.#scheduler.take(now()) : [];
    if (ended.length + ready.length === 0) return;
    try {
      const begun: BegunAttempt[] = [];
      this.#outbox.atomically(() => {
        for (const { attempt, end } of ended) this.#settle(attempt, end);
        for (const choice of [...ready, ...this.#scheduler.take(now())]) {
          const start = beginAttempt(this.#execution, choice);
          if ('kind' in start) this.#scheduler.end(choice.id, start);
          else begun.push(start);
        }
      });
      for (const { attempt, work } of begun) {
        this.#follow(attempt, (signal) => this.#pool.run(() => work(signal)));
      }
    } catch (error) {
      this.#giveUp(error);
    }
  }

  /** Follows an attempt to its end; undefined if it came to nothing. */
  #follow(attempt: Attempt, work: (signal: AbortSignal) => Promise<AttemptEnd | undefined>): void {
    const stop = new AbortController();
    this.#running.set(attempt.id, { taskId: attempt.taskId, stop });
    const followed = work(AbortSignal.any([stop.signal, this.#endWorkers.signal])).then((end) => {
      this.#jobs.delete(followed);
      this.#ended.push({ attempt, end });
      // Not at once: others that have ended by now are settled with it.
      setImmediate(() => this.#wake());
    });
    this.#jobs.add(followed);
  }

  #settle(attempt: Attempt, end: AttemptEnd | undefined): void {
    const isStopped = this.#endWorkers.signal.aborted || this.#running.get(attempt.id)?.stop.signal.aborted;
    this.#running.delete(attempt.id);
    const last = isStopped === true || !this.#scheduler.wants(attempt.taskId);
    const verdict =
      end === undefined
        ? abandonAttempt(this.#execution, attempt, last)
        : settleAttempt(this.#execution, attempt, end, last);
    this.#scheduler.end(attempt.taskId, verdict);
    if (verdict.kind === 'failed' && this.#options.failureMode === 'kill') this.#endWorkers.abort();
    if (this.#mayNotStart()) this.#scheduler.stop();
  }

  /** Without the store nothing can be decided any more: what runs is ended, and the run fails. */
  #giveUp(error: unknown): void {
    this.#fatal ??= { error };
    this.#endWorkers.abort();
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

  #refresh(): void {
    const { store, reporter, now } = this.#parts;
    this.#storeVersion = store.version();
    this.#graph = storedGraph(store.tasks());
    for (const { taskId, stop } of this.#running.values()) {
      // A person has said what is to become of it, or has deleted it.
      const status = this.#graph.nodes.get(taskId)?.status;
      if (status !== 'in-progress' && status !== 'review') stop.abort();
    }
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
    const ending = runEnding(isInterrupted, this.#governor, this.#scheduler.counts());
    reporter.report(store.endRun(runId, ending.outcome, ending.message));
    return { ...ending, results: this.#scheduler.results() };
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
