import { AlikeDeaths, mayBeShared } from './outage-detector.ts';
import type { Attempt, AttemptEnd } from '../domain/attempt.ts';
import { CircuitBreaker, type Pause } from './circuit-breaker.ts';
import type { Budget, BudgetRequest } from './budget.ts';
import type { RunOutcome } from '../domain/event.ts';
import { OUTCOME_POLICY, type AttemptOutcome } from '../domain/outcome.ts';
import { LoneFailures } from './lone-failures.ts';
import { formatMoney } from '../domain/text/format.ts';
import { atReserve, tooSmall } from './pacing.ts';
import type { TaskId } from '../domain/task.ts';
import { isPlanWindow, describeLimit } from '../domain/usage-limit.ts';
import { UsageWarnings } from './usage-warnings.ts';
import type { SeenWindow, UsageLedger } from '../usage/ledger.ts';

/** What decides about starting, besides money and limits themselves. */
export interface GovernorOptions {
  /** Percent of each usage window that is left to the person. */
  readonly reservePercent: number;
  /** Percent of a usage window at which a person is warned. */
  readonly warnAtPercent: number;
  /** The longest wait for a limit, in milliseconds: 0 waits for none, null as long as it takes. */
  readonly maxWaitMs: number | null;
  /** Whether a limit that earlier runs have met is kept to, before this one has met any. */
  readonly checkBeforeStart: boolean;
}

/** Permission to start an attempt, or why it does not start now. */
export type Admission =
  | { readonly kind: 'granted'; readonly reservedUsd: number | null; readonly workerUsd: number | null }
  /** Not now; a smaller task may. */
  | { readonly kind: 'wait' }
  /** Not while running attempts hold so much of the budget; a smaller task may. */
  | { readonly kind: 'held' }
  /** The task has spent what it may. */
  | { readonly kind: 'task-spent' }
  /** Nothing starts any more in this run. */
  | { readonly kind: 'stopped' };

/** Why a run ends before all is done. */
export interface Stop {
  readonly outcome: RunOutcome;
  readonly message: string;
}

/** So many attempts in a row that fail alike, with a pause before each, are a fault that does not pass by itself. */
const HOPELESS_AFTER = 6;
/** Nobody waits longer than this for the API to come back. */
const LONGEST_OUTAGE_MS = 24 * 3_600_000;
/** Without waiting for limits, an outage, or the throttling of a key, is still given this time to pass. */
const SHORTEST_OUTAGE_MS = 600_000;

/** Decides whether a task may start now: is nothing refused or broken, is there room in the usage windows, and money? */
export class Governor {
  readonly #options: GovernorOptions;
  readonly #budget: Budget;
  readonly #ledger: UsageLedger;
  readonly #breaker: CircuitBreaker;
  #stop: Stop | null = null;
  #overBudget = 0;
  #isHeeded: boolean;
  /** What running attempts are still expected to cost, by task. */
  readonly #expected = new Map<TaskId, { readonly expectedUsd: number; readonly usedUsd: number }>();
  /** Tasks that were refused for want of money since an attempt has last given some back. */
  readonly #short = new Set<TaskId>();
  /** The window that was too small for the last task that asked. */
  #tight: SeenWindow | undefined;
  readonly #alone = new LoneFailures();
  readonly #deaths = new AlikeDeaths();
  readonly #warnings: UsageWarnings;

  constructor(options: GovernorOptions, budget: Budget, ledger: UsageLedger, random: () => number) {
    this.#options = options;
    this.#budget = budget;
    this.#ledger = ledger;
    this.#breaker = new CircuitBreaker(random);
    this.#isHeeded = options.checkBeforeStart;
    this.#warnings = new UsageWarnings(options.warnAtPercent);
  }

  /** Why nothing starts any more, once that is so. */
  get stop(): Stop | null {
    return this.#stop;
  }

  /** Why nothing starts for a while; until a first attempt has been answered after it. */
  get pause(): Pause | null {
    return this.#breaker.pause;
  }

  /** How many tasks were left because what they may spend is spent. */
  get overBudget(): number {
    return this.#overBudget;
  }

  /** What tasks wait for that could start but for money; null while none does, or no worker idles. */
  get shortage(): { readonly waiting: number; readonly heldUsd: number; readonly freeUsd: number } | null {
    const { hasFreeSlot, heldUsd, leftUsd } = this.#budget;
    if (this.#short.size === 0 || !hasFreeSlot) return null;
    return { waiting: this.#short.size, heldUsd, freeUsd: leftUsd ?? 0 };
  }

  /** How many tasks may start now. */
  startable(now: number): number {
    if (this.#stop !== null || !this.#breaker.mayStart(now)) return 0;
    return this.#breaker.state(now) === 'trying' ? 1 : Infinity;
  }

  /** An attempt of this run was refused because of a limit. */
  refused(): void {
    this.#isHeeded = true;
  }

  /** Takes in what was heard of limits since, here and in other runs on the same accounts. */
  check(now: number): void {
    const refusal = this.#ledger.pause();
    if (refusal !== undefined && refusal.until > now && this.#isHeeded) {
      const { window, until } = refusal;
      const isThrottling = window !== null && !isPlanWindow({ name: window });
      this.#limit(
        'usage-limit',
        until,
        `${describeLimit([window]).replace('t', 'T')} is reached.`,
        now,
        isThrottling ? SHORTEST_OUTAGE_MS : 0,
      );
    }
    const kept = atReserve(this.#windows(now), this.#pacing);
    if (kept.length > 0) {
      const resets = kept.map(resetOf);
      const cause = `What is left of ${describeLimit(kept.map(({ name }) => name))} is yours: usage.reserve_percent keeps ${this.#options.reservePercent} %.`;
      this.#limit('reserve', Math.max(...resets), cause, now);
    }
  }

  /** The windows of which more is used than a person wants to be told of; each is told once until it resets. */
  warnings(): SeenWindow[] {
    return this.#warnings.due(this.#ledger.windows());
  }

  /** Asks for permission to start an attempt; what is granted stays held until `ended` or `withdraw`. */
  admit(request: BudgetRequest, now: number): Admission {
    const { taskId, expectedUsd } = request;
    if (this.#stop !== null) return { kind: 'stopped' };
    if (!this.#breaker.mayStart(now)) return { kind: 'wait' };
    const running = [...this.#expected.values()].reduce(
      (sum, one) => sum + Math.max(0, one.expectedUsd - one.usedUsd),
      0,
    );
    const tight = tooSmall(this.#windows(now), expectedUsd, running, this.#pacing);
    if (tight !== undefined) {
      this.#tight = tight;
      return { kind: 'wait' };
    }
    const grant = this.#budget.grant(request);
    switch (grant.kind) {
      case 'task-spent':
        this.#overBudget++;
        return grant;
      case 'run-spent':
        this.#stop ??= { outcome: 'over-budget', message: this.#spentMessage() };
        return { kind: 'stopped' };
      case 'wait':
        this.#short.add(taskId);
        return { kind: 'held' };
      case 'granted':
        this.#short.delete(taskId);
        this.#expected.set(taskId, { expectedUsd, usedUsd: 0 });
        this.#tight = undefined;
        this.#breaker.started(taskId, now);
        return grant;
    }
  }

  /** Nothing runs, and of all that is ready nothing was let through: then the window that was too small is waited for. */
  starved(now: number): void {
    if (this.#tight === undefined) return;
    const cause = `What is left of ${describeLimit([this.#tight.name])} is too little for any task that is ready.`;
    this.#limit('pacing', resetOf(this.#tight), cause, now);
    this.#tight = undefined;
  }

  /** Counts an attempt that was started by an orchestrator that was killed. */
  adopt({ taskId, maxCostUsd }: Pick<Attempt, 'taskId' | 'maxCostUsd'>): void {
    this.#budget.adopt(taskId, maxCostUsd);
    this.#expected.set(taskId, NOTHING);
  }

  /** Gives back what is held for an attempt that never started, or came to nothing. */
  withdraw(taskId: TaskId): void {
    this.#giveBack(taskId, 0);
    this.#breaker.ended(taskId);
  }

  /** Hears what a running attempt has used: the API answers it. Says whether that ended a pause. */
  progress(taskId: TaskId, usedUsd: number, now: number): boolean {
    this.#budget.used(taskId, usedUsd);
    const { expectedUsd, usedUsd: before } = this.#expected.get(taskId) ?? NOTHING;
    if (usedUsd <= before) return false;
    this.#expected.set(taskId, { expectedUsd, usedUsd });
    return this.#answered(taskId, now);
  }

  /**
   * Takes the end of an attempt into account; some end the whole run. Says at which other tasks attempts have died of
   * the same thing, if this one has died of something that was not its own; and when the task may be tried again:
   * one that tried in vain whether an outage is over lets another one try first.
   */
  ended(
    attempt: Pick<Attempt, 'taskId' | 'startedAt'>,
    end: AttemptEnd,
    now: number,
  ): { alike: TaskId[] | null; notBefore: number } {
    const { taskId } = attempt;
    const isProbe = this.#breaker.probe === taskId;
    const isCutShort =
      end.outcome === 'over-budget' || (end.outcome === 'cancelled' && this.#budget.isOverdrawn(taskId));
    if (isCutShort) this.#overBudget++;
    this.#giveBack(taskId, costOf(end));
    if (end.outcome === 'usage-limited') this.#refused(attempt, end, now);
    const alike = this.#diedOfOutage(taskId, end, now);
    if (alike !== null) this.#outage(end, now);
    else if (isAnswered(end)) {
      this.#alone.answered(taskId);
      this.#answered(taskId, now);
    }
    this.#breaker.ended(taskId);
    if (OUTCOME_POLICY[end.outcome].stops === 'run')
      this.#stop ??= { outcome: runOutcomeFor(end.outcome), message: end.message };
    const { pause } = this.#breaker;
    return { alike, notBefore: isProbe && pause?.reason === 'outage' ? pause.until + YIELD_MS : now };
  }

  /** Takes a task back that was cut short by what it held, if there is more for it by now: then it was not left. */
  takesBack(earlierUsd: number): boolean {
    if (!this.#budget.hasMoreFor(earlierUsd)) return false;
    this.#overBudget--;
    return true;
  }

  /** What it held is free, and whoever was refused for it is asked again. */
  #giveBack(taskId: TaskId, costUsd: number): void {
    this.#budget.ended(taskId, costUsd);
    this.#expected.delete(taskId);
    this.#short.clear();
  }

  /** Those of which it is known that they have not been reset: what was seen without its reset soon says nothing. */
  #windows(now: number): SeenWindow[] {
    return this.#ledger.windows().filter((window) => resetOf(window) > now);
  }

  get #pacing(): { readonly reserve: number } {
    return { reserve: this.#options.reservePercent / 100 };
  }

  /** The ledger has it from the worker's own lines, unless the CLI said it in its last words only. */
  #refused({ startedAt }: Pick<Attempt, 'startedAt'>, { resetsAt }: AttemptEnd, now: number): void {
    this.refused();
    // A limit that has been reset since it was met, as by an attempt that is taken over in the morning, is over.
    const isOver = resetsAt !== null && resetsAt >= Date.parse(startedAt) && resetsAt <= now;
    if (this.#ledger.pause() === undefined && !isOver) {
      const window = {
        name: 'unknown',
        utilization: null,
        status: 'rejected',
        resetsAt,
      } as const;
      this.#ledger.observe('worker', { windows: [window], overageInUse: false, refused: true });
    }
    this.check(now);
  }

  #answered(taskId: TaskId, now: number): boolean {
    const isOver = this.#breaker.answered(taskId, now);
    if (isOver) this.#alone.outagePassed();
    return isOver;
  }

  #diedOfOutage(taskId: TaskId, end: AttemptEnd, now: number): TaskId[] | null {
    if (!end.outage) return this.#diedAlike(taskId, end, now);
    return this.#alone.met(taskId) ? null : [];
  }

  #diedAlike(taskId: TaskId, end: AttemptEnd, now: number): TaskId[] | null {
    const others = this.#deaths.others(taskId, end, now);
    const isTrying = this.#breaker.state(now) === 'trying' && this.#breaker.pause?.reason === 'outage';
    return others.length > 0 || (isTrying && mayBeShared(end)) ? others : null;
  }

  /** `atLeastMs` is waited for in any case. */
  #limit(
    reason: 'usage-limit' | 'reserve' | 'pacing',
    resetsAt: number,
    cause: string,
    now: number,
    atLeastMs = 0,
  ): void {
    this.#breaker.limit(reason, resetsAt, cause, now);
    const { maxWaitMs } = this.#options;
    const { pause } = this.#breaker;
    if (pause === null || maxWaitMs === null) return;
    if (pause.until - pause.since <= Math.max(atLeastMs, maxWaitMs)) return;
    this.#stop ??= {
      outcome: 'paused-usage-limit',
      message: `${cause} It resets at ${new Date(resetsAt).toISOString()}, and nobody is to wait so long (--no-wait, usage.max_wait); \`run\` goes on then.`,
    };
  }

  #outage(end: AttemptEnd, now: number): void {
    // While nothing starts anyway, it says nothing of when something may.
    if (this.#breaker.state(now) === 'open') return;
    this.#breaker.outage(end.message, now);
    const { pause, outages } = this.#breaker;
    const { maxWaitMs } = this.#options;
    const patience = maxWaitMs === null ? LONGEST_OUTAGE_MS : Math.max(SHORTEST_OUTAGE_MS, maxWaitMs);
    const isHopeless = outages >= HOPELESS_AFTER && !end.outage;
    if (pause === null || (!isHopeless && pause.until - pause.since <= patience)) return;
    this.#stop ??= {
      outcome: 'outage',
      message: `${outages} tries in a row failed for no fault of their tasks; the last one: ${end.message}`,
    };
  }

  #spentMessage(): string {
    const { maxCostUsd, carriedUsd } = this.#budget.options;
    const carried =
      carriedUsd > 0 ? `, ${formatMoney(carriedUsd)} of it by the runs that this one continues` : '';
    return `${formatMoney(this.#budget.spentUsd)} of the ${formatMoney(maxCostUsd ?? 0)} budget is spent${carried}.`;
  }
}

const NOTHING = { expectedUsd: 0, usedUsd: 0 };
const UNKNOWN_RESET_MS = 3_600_000;
/** Enough for others to begin first, also where timers are late. */
const YIELD_MS = 5000;

/** Ends to which nobody comes without the API's answer, where there was work or a review to do. */
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

function resetOf({ resetsAt, seenAt }: SeenWindow): number {
  return resetsAt ?? seenAt + UNKNOWN_RESET_MS;
}

function costOf({ usage }: AttemptEnd): number {
  return usage.reduce((sum, { costUsd }) => sum + costUsd, 0);
}
