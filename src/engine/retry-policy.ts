import type { Attempt, AttemptEnd } from '../domain/attempt.ts';
import { diedAtResume } from './continuation.ts';
import { failureSignature } from '../domain/failure-signature.ts';
import { OUTCOME_POLICY, type AttemptOutcome } from '../domain/outcome.ts';
import type { NextStep } from './scheduler.ts';
import type { TaskId } from '../domain/task.ts';

export interface RetryOptions {
  /** The number of attempts that a task gets in one run after its first. */
  readonly maxRetries: number;
  readonly retryBaseDelayMs: number;
  readonly retryMaxDelayMs: number;
  /** A change that is rejected in the last round fails. */
  readonly maxReviewRounds: number;
}

/** The circumstances in which an attempt ended. */
export interface Circumstances {
  /** The run starts no further attempt. */
  readonly isLast: boolean;
  /** The API, the network or the machine failed: the attempt costs its task nothing. */
  readonly outage: boolean;
  /** Unix milliseconds. */
  readonly now: number;
}

/** The failed attempts at a task in this run. */
interface Tries {
  /** The number of attempts that the task is charged for. */
  readonly charged: number;
  /** The number of attempts in a row that it is not charged for, although the reason may lie in the task. */
  readonly free: number;
  readonly signature: string;
  /** The number of failures in a row with this signature. */
  readonly alike: number;
  /** The number of attempts whose session was too long. */
  readonly tooLong: number;
}

const NO_TRIES: Tries = { charged: 0, free: 0, signature: '', alike: 0, tooLong: 0 };

/** A task that fails so many times in a row for the same reason fails the next time too. */
const MAX_ALIKE = 3;

/** Outcomes that say nothing about the outcome of the next attempt. */
const NOT_COMPARED: ReadonlySet<AttemptOutcome> = new Set(['cancelled', 'over-budget', 'conflict']);

/** Decides what a task does after an attempt: it is done, tried again, failed, or left to a later run. */
export class RetryPolicy {
  readonly #options: RetryOptions;
  /** 0 ≤ x < 1. */
  readonly #random: () => number;
  readonly #tries = new Map<TaskId, Tries>();
  /** The same, without the last attempt. */
  readonly #before = new Map<TaskId, Tries>();

  constructor(options: RetryOptions, random: () => number) {
    this.#options = options;
    this.#random = random;
  }

  decide(
    attempt: Pick<Attempt, 'taskId' | 'resumed' | 'process'>,
    end: AttemptEnd,
    { isLast, outage, now }: Circumstances,
  ): NextStep {
    const { success, charged, stops, next, delay } = OUTCOME_POLICY[end.outcome];
    if (success) return { kind: 'done' };
    if (stops === 'run') return { kind: 'released' };
    if (stops === 'dispatch' || outage)
      return isLast ? { kind: 'released' } : { kind: 'retry', at: now, ahead: true };

    const tries = this.#count(attempt.taskId, end);
    const isUnreadable = diedAtResume(attempt, end);
    if (tries.alike >= MAX_ALIKE) return { kind: 'failed', why: describeAlike(end) };
    if (stops === 'task' && !isUnreadable) return { kind: charged ? 'failed' : 'released' };
    if (next === 'fresh' && !isUnreadable && (end.contextTokens === null || tries.tooLong > 1))
      return { kind: 'failed' };
    if (end.outcome === 'review-rejected' && (end.review?.round ?? 0) >= this.#options.maxReviewRounds)
      return { kind: 'failed' };
    if (tries.charged > this.#options.maxRetries) return { kind: 'failed' };
    if (isLast || tries.free > this.#options.maxRetries) return { kind: 'released' };
    return { kind: 'retry', at: now + (delay === 'back-off' ? this.#delay(tries.charged + tries.free) : 0) };
  }

  /** Forgets the task's last attempt, which turned out to be part of an outage. */
  forgive(taskId: TaskId): void {
    const before = this.#before.get(taskId);
    if (before !== undefined) this.#tries.set(taskId, before);
  }

  #count(taskId: TaskId, end: AttemptEnd): Tries {
    const before = this.#tries.get(taskId) ?? NO_TRIES;
    const { charged } = OUTCOME_POLICY[end.outcome];
    const signature = NOT_COMPARED.has(end.outcome) ? null : failureSignature(end);
    const tries = {
      charged: before.charged + Number(charged),
      free: charged ? 0 : before.free + 1,
      signature: signature ?? before.signature,
      alike: signature === null ? 0 : signature === before.signature ? before.alike + 1 : 1,
      tooLong: before.tooLong + Number(end.outcome === 'prompt-too-long'),
    };
    this.#before.set(taskId, before);
    this.#tries.set(taskId, tries);
    return tries;
  }

  /** Exponential, with full jitter above the base, so that workers that failed together do not return together. */
  #delay(tries: number): number {
    const { retryBaseDelayMs: base, retryMaxDelayMs: max } = this.#options;
    const ceiling = Math.min(max, base * 2 ** Math.min(tries, 30));
    const floor = Math.min(base, ceiling);
    return Math.round(floor + this.#random() * (ceiling - floor));
  }
}

function describeAlike({ outcome, message }: AttemptEnd): string {
  return `the same failure three times in a row: ${message === '' ? outcome : message}`;
}
