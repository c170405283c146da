import type { Attempt, AttemptEnd } from './attempt.ts';
import { OUTCOME_POLICY } from './outcome.ts';
import type { Verdict } from './scheduler.ts';
import type { TaskId } from './task.ts';

export interface RetryOptions {
  /** How many more attempts a task gets in one run after its first. */
  readonly maxRetries: number;
  readonly retryBaseDelayMs: number;
  readonly retryMaxDelayMs: number;
  /** A change that is still not accepted in the last round is given up. */
  readonly maxReviewRounds: number;
}

/** What else is known when an attempt has ended. */
export interface Circumstances {
  /** The run starts nothing any more. */
  readonly ending: boolean;
  /** It is one of several that ended alike: the fault is the API's, the network's or the machine's, and no task pays. */
  readonly outage: boolean;
  /** Unix milliseconds. */
  readonly now: number;
}

/** Decides what a task does next after an attempt: is it done, tried again, given up, or left to a later run? */
export class RetryPolicy {
  readonly #options: RetryOptions;
  /** 0 ≤ x < 1. */
  readonly #random: () => number;
  /** Attempts of this run by task: those that count against it, and those in a row that do not. */
  readonly #tries = new Map<TaskId, { charged: number; free: number }>();

  constructor(options: RetryOptions, random: () => number) {
    this.#options = options;
    this.#random = random;
  }

  judge({ taskId }: Pick<Attempt, 'taskId'>, end: AttemptEnd, { ending, now }: Circumstances): Verdict {
    const policy = OUTCOME_POLICY[end.outcome];
    const tries = this.#tries.get(taskId) ?? { charged: 0, free: 0 };
    if (policy.charged) tries.charged++;
    tries.free = policy.charged ? 0 : tries.free + 1;
    this.#tries.set(taskId, tries);

    if (policy.success) return { kind: 'done' };
    if (policy.stops !== 'nothing') return { kind: policy.charged ? 'failed' : 'released' };
    if (end.outcome === 'review-rejected' && (end.review?.round ?? 0) >= this.#options.maxReviewRounds)
      return { kind: 'failed' };
    if (
      policy.next === 'none' ||
      end.outcome === 'prompt-too-long' ||
      tries.charged > this.#options.maxRetries
    )
      return { kind: 'failed' };
    if (ending || tries.free > this.#options.maxRetries) return { kind: 'released' };
    return {
      kind: 'retry',
      at: now + (policy.delay === 'back-off' ? this.#delay(tries.charged + tries.free) : 0),
    };
  }

  /** Exponential, with full jitter above the base, so that workers that failed together do not come back together. */
  #delay(tries: number): number {
    const { retryBaseDelayMs: base, retryMaxDelayMs: max } = this.#options;
    const ceiling = Math.min(max, base * 2 ** Math.min(tries, 30));
    const floor = Math.min(base, ceiling);
    return Math.round(floor + this.#random() * (ceiling - floor));
  }
}
