import { totalCost, type Attempt, type AttemptEnd } from '../domain/attempt.ts';
import type { Budget, BudgetRequest } from './budget.ts';
import { CircuitBreaker, type Pause } from './circuit-breaker.ts';
import type { RunEnd, RunOutcome } from '../domain/event.ts';
import { OutageDetector } from './outage-detector.ts';
import { OUTCOME_POLICY, type AttemptOutcome } from '../domain/outcome.ts';
import { Pacing, resetOf, type PacingOptions } from './pacing.ts';
import type { TaskId } from '../domain/task.ts';
import { formatMoney } from '../domain/text/format.ts';
import { describeLimit, isPlanWindow } from '../domain/usage-limit.ts';
import type { SeenWindow, UsageLedger } from '../usage/ledger.ts';

export interface GovernorOptions extends PacingOptions {
  /** The longest wait for a limit, in milliseconds: 0 for no wait, null for any. */
  readonly maxWaitMs: number | null;
  /** Whether limits that earlier runs met count before this run has met any. */
  readonly checkBeforeStart: boolean;
}

/** Permission to start an attempt, or why it does not start now. */
export type Admission =
  | { readonly kind: 'granted'; readonly reservedUsd: number | null; readonly workerUsd: number | null }
  /** Not now. A smaller task may start. */
  | { readonly kind: 'wait' }
  /** Not while running attempts hold so much of the budget. A smaller task may start. */
  | { readonly kind: 'held' }
  /** The task has reached its ceiling. */
  | { readonly kind: 'task-spent' }
  /** Nothing starts any more in this run. */
  | { readonly kind: 'stopped' };

/** So many failures in a row with a pause before each do not pass by themselves. */
const MAX_FAILURES = 6;
/** No run waits longer than this for the API to come back. */
const MAX_OUTAGE_MS = 24 * 3_600_000;
/** An outage, or the throttling of a key, gets this time to pass even where a run does not wait for limits. */
const MIN_OUTAGE_MS = 600_000;
/** A task whose probe failed waits this much longer, so that another task becomes the next probe. */
const YIELD_MS = 5000;

/** Decides whether a task may start now: is no limit, outage, usage window or budget in the way? */
export class Governor {
  readonly #options: GovernorOptions;
  readonly #budget: Budget;
  readonly #ledger: UsageLedger;
  readonly #breaker: CircuitBreaker;
  readonly #pacing: Pacing;
  readonly #outages = new OutageDetector();
  #stop: RunEnd | null = null;
  #overBudget = 0;
  /** Whether limits count that this run has not met itself. */
  #heedsLimits: boolean;
  /** Tasks that were refused for money since an attempt last gave some back. */
  readonly #waitingForMoney = new Set<TaskId>();
  /** The window that was too small for the last refused task. */
  #tooSmall: SeenWindow | undefined;

  constructor(options: GovernorOptions, budget: Budget, ledger: UsageLedger, random: () => number) {
    this.#options = options;
    this.#budget = budget;
    this.#ledger = ledger;
    this.#breaker = new CircuitBreaker(random);
    this.#pacing = new Pacing(options, ledger);
    this.#heedsLimits = options.checkBeforeStart;
  }

  /** Why nothing starts any more in this run; null while something may. */
  get stop(): RunEnd | null {
    return this.#stop;
  }

  /** Why nothing starts for a while; null once an attempt has been answered. */
  get pause(): Pause | null {
    return this.#breaker.pause;
  }

  /** The number of tasks that the budget cut short. */
  get overBudget(): number {
    return this.#overBudget;
  }

  /** The ready tasks that wait only for money, and the money; null while no task does, or no slot is free. */
  get budgetWait(): { readonly waiting: number; readonly heldUsd: number; readonly freeUsd: number } | null {
    const { hasFreeSlot, heldUsd, leftUsd } = this.#budget;
    if (this.#waitingForMoney.size === 0 || !hasFreeSlot) return null;
    return { waiting: this.#waitingForMoney.size, heldUsd, freeUsd: leftUsd ?? 0 };
  }

  /** The number of tasks that may start now. */
  startable(now: number): number {
    if (this.#stop !== null || !this.#breaker.mayStart(now)) return 0;
    return this.#breaker.state(now) === 'half-open' ? 1 : Infinity;
  }

  /** Records that a limit refused an attempt of this run. */
  recordRefusal(): void {
    this.#heedsLimits = true;
  }

  /** Applies the limits that the ledger has heard of, in this run and in others on the same accounts. */
  checkLimits(now: number): void {
    const refusal = this.#ledger.pause();
    if (refusal !== undefined && refusal.until > now && this.#heedsLimits) {
      const { window, until } = refusal;
      const isThrottling = window !== null && !isPlanWindow({ name: window });
      const cause = `${describeLimit([window]).replace('t', 'T')} is reached.`;
      this.#pauseForLimit('usage-limit', until, cause, now, isThrottling ? MIN_OUTAGE_MS : 0);
    }
    const atReserve = this.#pacing.findAtReserve(now);
    if (atReserve.length > 0) {
      const limit = describeLimit(atReserve.map(({ name }) => name));
      const cause = `The rest of ${limit} is reserved for you: usage.reserve_percent keeps ${this.#options.reservePercent} %.`;
      this.#pauseForLimit('reserve', Math.max(...atReserve.map(resetOf)), cause, now);
    }
  }

  /** The usage windows for which a warning is due now; each is returned once until it resets. */
  takeWarnings(): SeenWindow[] {
    return this.#pacing.takeWarnings();
  }

  /** Asks for permission to start an attempt. What is granted is held until `recordEnd` or `withdraw`. */
  admit(request: BudgetRequest, now: number): Admission {
    const { taskId, expectedUsd } = request;
    if (this.#stop !== null) return { kind: 'stopped' };
    if (!this.#breaker.mayStart(now)) return { kind: 'wait' };
    const tooSmall = this.#pacing.findTooSmall(expectedUsd, this.#budget.expectedUsd, now);
    if (tooSmall !== undefined) {
      this.#tooSmall = tooSmall;
      return { kind: 'wait' };
    }
    const grant = this.#budget.grant(request);
    switch (grant.kind) {
      case 'task-spent':
        this.#overBudget++;
        return grant;
      case 'run-spent':
        this.#stop ??= { outcome: 'over-budget', message: this.#describeSpent() };
        return { kind: 'stopped' };
      case 'wait':
        this.#waitingForMoney.add(taskId);
        return { kind: 'held' };
      case 'granted':
        this.#waitingForMoney.delete(taskId);
        this.#tooSmall = undefined;
        this.#breaker.recordStart(taskId, now);
        return grant;
    }
  }

  /** Pauses until the window resets that was too small, when nothing runs and no ready task was admitted. */
  pauseForPacing(now: number): void {
    if (this.#tooSmall === undefined) return;
    const cause = `The rest of ${describeLimit([this.#tooSmall.name])} is too small for any ready task.`;
    this.#pauseForLimit('pacing', resetOf(this.#tooSmall), cause, now);
    this.#tooSmall = undefined;
  }

  /** Counts an attempt that a killed orchestrator started. */
  adopt({ taskId, maxCostUsd }: Pick<Attempt, 'taskId' | 'maxCostUsd'>): void {
    this.#budget.adopt(taskId, maxCostUsd);
  }

  /** Gives back what is held for an attempt that never started, or left no result. */
  withdraw(taskId: TaskId): void {
    this.#release(taskId, 0);
    this.#breaker.recordEnd(taskId);
  }

  /** Records the use of a running attempt: the API answers it. Returns whether that ended a pause. */
  recordProgress(taskId: TaskId, usedUsd: number, now: number): boolean {
    return this.#budget.recordUse(taskId, usedUsd) && this.#recordAnswer(taskId, now);
  }

  /**
   * Records the end of an attempt, which may end the whole run. Where it shows an outage, `correlated` are the other
   * tasks whose attempts failed for the same reason; else it is null. The task may be tried again at `notBefore`: after
   * a failed probe, another task becomes the next probe.
   */
  recordEnd(
    attempt: Pick<Attempt, 'taskId' | 'startedAt'>,
    end: AttemptEnd,
    now: number,
  ): { correlated: TaskId[] | null; notBefore: number } {
    const { taskId } = attempt;
    const isProbe = this.#breaker.probe === taskId;
    const isCutShort =
      end.outcome === 'over-budget' || (end.outcome === 'cancelled' && this.#budget.isOverdrawn(taskId));
    if (isCutShort) this.#overBudget++;
    this.#release(taskId, totalCost(end.usage));
    if (end.outcome === 'usage-limited') this.#recordLimit(attempt, end, now);
    const isProbing = this.#breaker.state(now) === 'half-open' && this.pause?.reason === 'outage';
    const correlated = this.#outages.detect(taskId, end, now, isProbing);
    if (correlated !== null) this.#pauseForOutage(end, now);
    else if (isAnswered(end)) {
      this.#outages.recordAnswer(taskId);
      this.#recordAnswer(taskId, now);
    }
    this.#breaker.recordEnd(taskId);
    if (OUTCOME_POLICY[end.outcome].stops === 'run')
      this.#stop ??= { outcome: runOutcomeFor(end.outcome), message: end.message };
    const { pause } = this;
    return { correlated, notBefore: isProbe && pause?.reason === 'outage' ? pause.until + YIELD_MS : now };
  }

  /** Takes back a task that its grant cut short, if there is more money for it now. */
  readmit(earlierUsd: number): boolean {
    if (!this.#budget.hasMoreFor(earlierUsd)) return false;
    this.#overBudget--;
    return true;
  }

  #release(taskId: TaskId, costUsd: number): void {
    this.#budget.release(taskId, costUsd);
    this.#waitingForMoney.clear();
  }

  /** The ledger knows the limit from the worker's own lines, unless the CLI named it only at the end. */
  #recordLimit({ startedAt }: Pick<Attempt, 'startedAt'>, { resetsAt }: AttemptEnd, now: number): void {
    this.recordRefusal();
    // A limit may have reset since the attempt met it, such as overnight before the attempt is taken over.
    const isOver = resetsAt !== null && resetsAt >= Date.parse(startedAt) && resetsAt <= now;
    if (this.#ledger.pause() === undefined && !isOver) {
      const window = { name: 'unknown', utilization: null, status: 'rejected', resetsAt } as const;
      this.#ledger.observe('worker', { windows: [window], overageInUse: false, refused: true });
    }
    this.checkLimits(now);
  }

  #recordAnswer(taskId: TaskId, now: number): boolean {
    const endsPause = this.#breaker.recordAnswer(taskId, now);
    if (endsPause) this.#outages.recordRecovery();
    return endsPause;
  }

  /** Stops the run where the pause is longer than it may wait; a pause of `alwaysMs` is waited for in any case. */
  #pauseForLimit(
    reason: 'usage-limit' | 'reserve' | 'pacing',
    resetsAt: number,
    cause: string,
    now: number,
    alwaysMs = 0,
  ): void {
    this.#breaker.openForLimit(reason, resetsAt, cause, now);
    const { maxWaitMs } = this.#options;
    const { pause } = this;
    if (pause === null || maxWaitMs === null) return;
    if (pause.until - pause.since <= Math.max(alwaysMs, maxWaitMs)) return;
    this.#stop ??= {
      outcome: 'paused-usage-limit',
      message: `${cause} It resets at ${new Date(resetsAt).toISOString()}, which is longer than this run may wait (--no-wait, usage.max_wait); \`run\` again then.`,
    };
  }

  #pauseForOutage(end: AttemptEnd, now: number): void {
    // A failure during a pause says nothing about the time after it.
    if (this.#breaker.state(now) === 'open') return;
    this.#breaker.openForOutage(end.message, now);
    const { pause, outages } = this.#breaker;
    const { maxWaitMs } = this.#options;
    const patience = maxWaitMs === null ? MAX_OUTAGE_MS : Math.max(MIN_OUTAGE_MS, maxWaitMs);
    const isHopeless = outages >= MAX_FAILURES && !end.outage;
    if (pause === null || (!isHopeless && pause.until - pause.since <= patience)) return;
    this.#stop ??= {
      outcome: 'outage',
      message: `${outages} attempts in a row failed, and not because of their tasks; the last one: ${end.message}`,
    };
  }

  #describeSpent(): string {
    const { maxCostUsd, carriedUsd } = this.#budget.options;
    const carried =
      carriedUsd > 0 ? `, ${formatMoney(carriedUsd)} of it by the runs that this one continues` : '';
    return `${formatMoney(this.#budget.spentUsd)} of the ${formatMoney(maxCostUsd ?? 0)} budget is spent${carried}.`;
  }
}

/** The outcomes that need an answer of the API, where there was work or a review to do. */
const ANSWERED: ReadonlySet<AttemptOutcome> = new Set([
  'landed',
  'no-change',
  'verify-failed',
  'review-rejected',
  'conflict',
  'permission-denied',
  'refused',
  'over-budget',
]);

function isAnswered({ outcome, usage, review }: AttemptEnd): boolean {
  return ANSWERED.has(outcome) && (usage.length > 0 || review !== null);
}

function runOutcomeFor(outcome: AttemptOutcome): RunOutcome {
  if (outcome === 'unauthenticated' || outcome === 'model-unavailable') return outcome;
  return 'completed-with-failures';
}
