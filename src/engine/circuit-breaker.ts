import type { PauseReason } from '../domain/event.ts';

/** Why nothing starts, and until when. */
export interface Pause {
  readonly reason: PauseReason;
  /** Unix milliseconds. */
  readonly since: number;
  /** The time of the next try, in Unix milliseconds. */
  readonly until: number;
  /** One sentence: what happened. */
  readonly cause: string;
}

const FIRST_RETRY_MS = 30_000;
const LONGEST_RETRY_MS = 600_000;
const MIN_JITTER_MS = 1000;
const MAX_JITTER_MS = 60_000;

/**
 * Stops all dispatch at the first sign of a limit or an outage. When the pause has passed, it is half-open: one attempt,
 * the probe, may start. An answer to the probe closes it, a failure opens it again. Pure over the times it is given.
 */
export class CircuitBreaker {
  #pause: Pause | null = null;
  #probe: string | null = null;
  #outages = 0;
  /** 0 ≤ x < 1. */
  readonly #random: () => number;

  constructor(random: () => number) {
    this.#random = random;
  }

  /** The current pause; null once an answer has ended it. */
  get pause(): Pause | null {
    return this.#pause;
  }

  /** The number of outages in a row, without an answer between them. */
  get outages(): number {
    return this.#outages;
  }

  /** The task whose attempt shows whether the pause is over; null while there is none. */
  get probe(): string | null {
    return this.#probe;
  }

  state(now: number): 'closed' | 'open' | 'half-open' {
    if (this.#pause === null) return 'closed';
    return now < this.#pause.until ? 'open' : 'half-open';
  }

  /** Whether an attempt may start now; while half-open, only one may. */
  mayStart(now: number): boolean {
    const state = this.state(now);
    return state === 'closed' || (state === 'half-open' && this.#probe === null);
  }

  /** Records the start of an attempt, which becomes the probe while half-open. */
  recordStart(taskId: string, now: number): void {
    if (this.state(now) === 'half-open') this.#probe = taskId;
  }

  /** Records the end of an attempt, whatever its outcome. */
  recordEnd(taskId: string): void {
    if (this.#probe === taskId) this.#probe = null;
  }

  /**
   * Records an answer of the API to an attempt. Returns whether it ends the pause. While a probe runs, only an answer to
   * the probe does: another answer may be older than the pause.
   */
  recordAnswer(taskId: string, now: number): boolean {
    if (this.state(now) !== 'half-open' || (this.#probe !== null && this.#probe !== taskId)) return false;
    this.#pause = null;
    this.#probe = null;
    this.#outages = 0;
    return true;
  }

  /** Opens until a limit resets, plus a random delay so that not everybody returns in the same second. */
  openForLimit(reason: Exclude<PauseReason, 'outage'>, resetsAt: number, cause: string, now: number): void {
    // A reset that is already known keeps its random delay.
    if (this.#pause !== null && this.#pause.reason !== 'outage' && resetsAt <= this.#pause.until) return;
    const maxJitter = Math.min(MAX_JITTER_MS, MIN_JITTER_MS + (resetsAt - now) / 20);
    this.#open({ reason, since: now, until: Math.round(resetsAt + this.#random() * maxJitter), cause });
  }

  /** Opens for an outage, longer each time. Several failures during one pause are one outage. */
  openForOutage(cause: string, now: number): void {
    if (this.state(now) === 'open') return;
    const longest = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(this.#outages, 20));
    this.#outages++;
    const until = Math.round(now + longest * (0.5 + this.#random() / 2));
    this.#open({ reason: 'outage', since: now, until, cause });
  }

  #open(pause: Pause): void {
    // Only a longer pause of the same kind keeps the start of the pause before.
    const before = this.#pause;
    const isExtended = before !== null && (before.reason === 'outage') === (pause.reason === 'outage');
    this.#pause = isExtended ? { ...pause, since: before.since } : pause;
    this.#probe = null;
  }
}
