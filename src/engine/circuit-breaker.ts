import type { PauseReason } from '../domain/event.ts';

/** Why nothing starts, and until when. */
export interface Pause {
  readonly reason: PauseReason;
  /** Unix milliseconds. */
  readonly since: number;
  /** When the next try is, Unix milliseconds. */
  readonly until: number;
  /** What happened, one sentence. */
  readonly cause: string;
}

/** `trying`: the pause is over by the clock; one attempt may start, and shows whether it is over. */
export type BreakerState = 'closed' | 'open' | 'trying';

const FIRST_RETRY_MS = 30_000;
const LONGEST_RETRY_MS = 600_000;

/**
 * Stops all dispatch at the first sign that it is of no use. When its time is over, one attempt is let through: where
 * that is answered everything goes on, else it opens again. Pure over the times it is given.
 */
export class CircuitBreaker {
  #pause: Pause | null = null;
  #probe: string | null = null;
  /** How often in a row it had to open for an outage. */
  #outages = 0;
  /** 0 ≤ x < 1. */
  readonly #random: () => number;

  constructor(random: () => number) {
    this.#random = random;
  }

  /** Null once it is over for certain. */
  get pause(): Pause | null {
    return this.#pause;
  }

  /** How many outages in a row there were without an answer between them. */
  get outages(): number {
    return this.#outages;
  }

  state(now: number): BreakerState {
    if (this.#pause === null) return 'closed';
    return now < this.#pause.until ? 'open' : 'trying';
  }

  /** Whether an attempt may start now; in `trying` that is one, and none beside it. */
  mayStart(now: number): boolean {
    const state = this.state(now);
    return state === 'closed' || (state === 'trying' && this.#probe === null);
  }

  /** The task whose attempt is to show whether the pause is over; null while there is none. */
  get probe(): string | null {
    return this.#probe;
  }

  /** An attempt at this task has been let through. */
  started(taskId: string, now: number): void {
    if (this.state(now) === 'trying') this.#probe = taskId;
  }

  /** Opens until a limit resets, and a little longer: not everybody should come back in the same second. */
  limit(reason: Exclude<PauseReason, 'outage'>, resetsAt: number, cause: string, now: number): void {
    // What is known already keeps the delay that it was given.
    if (this.#pause !== null && this.#pause.reason !== 'outage' && resetsAt <= this.#pause.until) return;
    const most = Math.min(MOST_JITTER_MS, MIN_JITTER_MS + (resetsAt - now) / 20);
    this.#open({ reason, since: now, until: Math.round(resetsAt + this.#random() * most), cause });
  }

  /** Opens for an outage, each time for longer; several that end alike meanwhile are one. */
  outage(cause: string, now: number): void {
    if (this.state(now) === 'open') return;
    const longest = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(this.#outages, 20));
    this.#outages++;
    this.#open({
      reason: 'outage',
      since: now,
      until: Math.round(now + longest * (0.5 + this.#random() / 2)),
      cause,
    });
  }

  /**
   * The attempt at this task got an answer: once a pause is over by the clock, that ends it, unless another attempt is
   * there to show it, since this one's answer may have been on its way since before the pause. Says whether it did.
   */
  answered(taskId: string, now: number): boolean {
    if (this.state(now) !== 'trying' || (this.#probe !== null && this.#probe !== taskId)) return false;
    this.#pause = null;
    this.#probe = null;
    this.#outages = 0;
    return true;
  }

  /** The attempt at this task is over, whatever came of it. */
  ended(taskId: string): void {
    if (this.#probe === taskId) this.#probe = null;
  }

  #open(pause: Pause): void {
    // A limit after an outage is waited for anew, and an outage after a limit.
    const before = this.#pause;
    const isLonger = before !== null && (before.reason === 'outage') === (pause.reason === 'outage');
    this.#pause = isLonger ? { ...pause, since: before.since } : pause;
    this.#probe = null;
  }
}

const MIN_JITTER_MS = 1000;
const MOST_JITTER_MS = 60_000;
