import { totalTokens, type ModelUsage, type Phase } from '../../domain/attempt.ts';
import type { RunCounts, RunOutcome, Stamped } from '../../domain/event.ts';
import { OUTCOME_POLICY, type AttemptOutcome } from '../../domain/outcome.ts';
import type { TaskId } from '../../domain/task.ts';
import { neutralise } from '../../domain/text/display-text.ts';
import { Pauses, type Pause } from '../../domain/text/pauses.ts';
import { estimateRemaining } from './remaining-time.ts';
import { TaskTally } from './task-tally.ts';
import { openWindows, windowOfWarning, type ShownWindow } from '../../domain/text/usage-windows.ts';

/** A worker at work. Every text is safe to print. */
export interface RunningWorker {
  readonly attemptId: number;
  readonly taskId: TaskId;
  /** Empty if an earlier run started the attempt and this run only sees its end. */
  readonly title: string;
  /** 1 for the first attempt at the task. */
  readonly number: number;
  readonly phase: Phase;
  readonly action: string;
  /** Unix milliseconds. */
  readonly startedAt: number;
  readonly tokens: number;
  readonly costUsd: number;
}

/** A task whose last attempt failed, until another attempt starts. */
export interface FailedTask {
  readonly taskId: TaskId;
  readonly title: string;
  readonly outcome: AttemptOutcome;
  /** The task is tried again in this run. */
  readonly retrying: boolean;
}

/** Everything a display shows of a run at one moment. */
export interface Progress {
  readonly state: 'starting' | 'running' | 'ended';
  readonly outcome: RunOutcome | null;
  readonly counts: RunCounts;
  /** The longest running first. */
  readonly running: readonly RunningWorker[];
  /** The oldest failure first. */
  readonly failures: readonly FailedTask[];
  readonly retries: number;
  readonly elapsedMs: number;
  /** The part of that time in which nothing was allowed to start. */
  readonly pausedMs: number;
  /** Null while work may start. */
  readonly paused: Pause | null;
  /** How many tasks wait only for the money that running ones hold. */
  readonly waitingForBudget: number;
  /** The windows of a plan's usage limits that are known. */
  readonly windows: readonly ShownWindow[];
  /** Null while there is nothing to estimate it from. */
  readonly remainingMs: number | null;
  readonly tokens: number;
  readonly costUsd: number;
  readonly billing: string;
}

/** What a display can use besides the events. Where a source is missing or does not know, the events have to do. */
export interface ProgressSources {
  /** What is left by the plan, in minutes of wall-clock time; without it, the pace so far is used. */
  readonly remainingMinutes?: (() => number | undefined) | undefined;
  /** The windows of the accounts in use; without it, those that a warning named. */
  readonly windows?: (() => readonly ShownWindow[]) | undefined;
}

/** What a run looks like now, kept up to date by its events. Displays and notifications read it. It has no clock. */
export class ProgressModel {
  readonly #sources: ProgressSources;
  readonly #tally = new TaskTally();
  readonly #pauses = new Pauses();
  readonly #warned = new Map<string, ShownWindow>();
  readonly #running = new Map<number, RunningWorker>();
  readonly #failures = new Map<TaskId, FailedTask>();
  readonly #spentMs = new Map<TaskId, number>();
  readonly #finished = new Set<TaskId>();
  readonly #ended = new Set<number>();
  #state: Progress['state'] = 'starting';
  #outcome: RunOutcome | null = null;
  #workers = 1;
  #startedAt: number | undefined;
  #endedAt: number | undefined;
  #retries = 0;
  #waitingForBudget = 0;
  #booked = { tokens: 0, costUsd: 0 };
  #billing = '';

  constructor(sources: ProgressSources = {}) {
    this.#sources = sources;
  }

  apply(event: Stamped): void {
    // Events of a worker may arrive after its end, and must not bring it back.
    if ('attemptId' in event && this.#ended.has(event.attemptId)) return;
    this.#tally.apply(event);
    this.#pauses.apply(event);
    const at = Date.parse(event.at);
    this.#startedAt ??= at;
    switch (event.type) {
      case 'run-started':
        this.#state = 'running';
        this.#startedAt = at;
        this.#workers = event.workers;
        this.#billing = neutralise(event.billing);
        break;
      case 'run-ended':
        this.#state = 'ended';
        this.#outcome = event.outcome;
        this.#endedAt = at;
        this.#running.clear();
        break;
      case 'attempt-started':
        this.#failures.delete(event.taskId);
        this.#update(event, at, { title: neutralise(event.title), number: event.number });
        break;
      case 'attempt-spawned':
        this.#update(event, at, { phase: 'working' });
        break;
      case 'attempt-phase':
        this.#update(event, at, { phase: event.phase, action: '' });
        break;
      case 'attempt-progress': {
        const { action, tokens, costUsd } = event.progress;
        this.#update(event, at, { action: neutralise(action), tokens: totalTokens(tokens), costUsd });
        break;
      }
      case 'attempt-ended':
        this.#settle(event, at);
        break;
      case 'retry-scheduled': {
        this.#retries++;
        const failure = this.#failures.get(event.taskId);
        if (failure !== undefined) this.#failures.set(event.taskId, { ...failure, retrying: true });
        break;
      }
      case 'status-changed':
        if (event.to === 'done' || event.to === 'failed') this.#finished.add(event.taskId);
        if (event.to === 'done' || event.to === 'cancelled') this.#failures.delete(event.taskId);
        break;
      case 'manager-called':
        this.#book(event.usage);
        break;
      case 'usage-warning':
        this.#warned.set(JSON.stringify([event.account, event.window]), windowOfWarning(event));
        break;
      case 'budget-wait':
        this.#waitingForBudget = event.waiting;
        break;
      default:
    }
  }

  /** The run as it looks at `now` (Unix milliseconds). */
  at(now: number): Progress {
    const running = [...this.#running.values()].sort((a, b) => a.startedAt - b.startedAt);
    const counts = this.#tally.counts();
    const hasEnded = this.#state === 'ended';
    const paused = this.#pauses.current;
    return {
      state: this.#state,
      outcome: this.#outcome,
      counts,
      running,
      failures: [...this.#failures.values()],
      retries: this.#retries,
      elapsedMs: Math.max(0, (this.#endedAt ?? now) - (this.#startedAt ?? now)),
      pausedMs: this.#pauses.totalMs(this.#endedAt ?? now),
      paused,
      waitingForBudget: hasEnded ? 0 : this.#waitingForBudget,
      windows: openWindows(this.#sources.windows?.() ?? [...this.#warned.values()], now),
      remainingMs: hasEnded
        ? null
        : estimateRemaining({
            plannedMinutes: this.#sources.remainingMinutes?.(),
            waiting: counts.waiting,
            runningForMs: running.map((worker) => now - worker.startedAt),
            workers: this.#workers,
            finishedMs: [...this.#finished].flatMap((id) => this.#spentMs.get(id) ?? []),
            pausedForMs: paused === null ? 0 : Math.max(0, paused.until - now),
          }),
      tokens: running.reduce((sum, worker) => sum + worker.tokens, this.#booked.tokens),
      costUsd: running.reduce((sum, worker) => sum + worker.costUsd, this.#booked.costUsd),
      billing: this.#billing,
    };
  }

  /** The worker of an attempt, while the attempt runs. */
  worker(attemptId: number): RunningWorker | undefined {
    return this.#running.get(attemptId);
  }

  #update(
    event: { readonly attemptId: number; readonly taskId: TaskId },
    at: number,
    change: Partial<RunningWorker>,
  ): void {
    const worker = this.#running.get(event.attemptId) ?? {
      attemptId: event.attemptId,
      taskId: event.taskId,
      title: '',
      number: 1,
      phase: 'preparing',
      action: '',
      startedAt: at,
      tokens: 0,
      costUsd: 0,
    };
    this.#running.set(event.attemptId, { ...worker, ...change });
  }

  #settle(event: Extract<Stamped, { type: 'attempt-ended' }>, at: number): void {
    const { taskId, end } = event;
    const worker = this.#running.get(event.attemptId);
    this.#running.delete(event.attemptId);
    this.#ended.add(event.attemptId);
    this.#book(end.usage);
    if (worker !== undefined) {
      this.#spentMs.set(taskId, (this.#spentMs.get(taskId) ?? 0) + Math.max(0, at - worker.startedAt));
    }
    if (OUTCOME_POLICY[end.outcome].success) {
      this.#finished.add(taskId);
      this.#failures.delete(taskId);
      return;
    }
    const title = worker?.title ?? '';
    this.#failures.set(taskId, { taskId, title, outcome: end.outcome, retrying: false });
  }

  #book(usages: readonly ModelUsage[]): void {
    const booked = { ...this.#booked };
    for (const usage of usages) {
      booked.tokens += totalTokens(usage);
      booked.costUsd += usage.costUsd;
    }
    this.#booked = booked;
  }
}
