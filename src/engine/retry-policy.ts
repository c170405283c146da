import type { Attempt, AttemptEnd } from '../domain/attempt.ts';
import { failureSignature } from '../domain/failure-signature.ts';
import { OUTCOME_POLICY, type AttemptOutcome } from '../domain/outcome.ts';
import type { NextStep } from './scheduler.ts';
import { diedAtResume } from './session.ts';
import type { TaskId } from '../domain/task.ts';

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

/** What a task's attempts in this run came to. */
interface Tries {
  /** Those that count against it. */
  readonly charged: number;
  /** Those in a row that do not, for reasons that may lie in the task. */
  readonly free: number;
  readonly signature: string;
  /** How often in a row it failed with that signature. */
  readonly alike: number;
  /** Those whose session grew too long. */
  readonly tooLong: number;
}

const NO_TRIES: Tries = { charged: 0, free: 0, signature: '', alike: 0, tooLong: 0 };

/** A task that fails of the same thing as often as this in a row will do so the next time, too. */
const MOST_ALIKE = 3;

/** Ends that say nothing of whether the next try comes to the same. */
const NOT_COMPARED: ReadonlySet<AttemptOutcome> = new Set(['cancelled', 'over-budget', 'conflict']);

/** Decides what a task does next after an attempt: is it done, tried again, given up, or left to a later run? */
export class RetryPolicy {
  readonly #options: RetryOptions;
  /** 0 ≤ x < 1. */
  readonly #random: () => number;
  readonly #tries = new Map<TaskId, Tries>();
  /** The same before the last attempt. */
  readonly #before = new Map<TaskId, Tries>();

  constructor(options: RetryOptions, random: () => number) {
    this.#options = options;
    this.#random = random;
  }

  judge(
    attempt: Pick<Attempt, 'taskId' | 'resumed' | 'process'>,
    end: AttemptEnd,
    { ending, outage, now }: Circumstances,
  ): NextStep {
    const { success, charged, stops, next, delay } = OUTCOME_POLICY[end.outcome];
    if (success) return { kind: 'done' };
    if (stops === 'run') return { kind: 'released' };
    if (stops === 'dispatch' || outage)
      return ending ? { kind: 'released' } : { kind: 'retry', at: now, ahead: true };

    const tries = this.#count(attempt.taskId, end);
    const isUnreadable = diedAtResume(attempt, end);
    if (tries.alike >= MOST_ALIKE) return { kind: 'failed', why: alikeMessage(end) };
    if (stops === 'task' && !isUnreadable) return { kind: charged ? 'failed' : 'released' };
    if (next === 'fresh' && !isUnreadable && (end.contextTokens === null || tries.tooLong > 1))
      return { kind: 'failed' };
    if (end.outcome === 'review-rejected' && (end.review?.round ?? 0) >= this.#options.maxReviewRounds)
      return { kind: 'failed' };
    if (tries.charged > this.#options.maxRetries) return { kind: 'failed' };
    if (ending || tries.free > this.#options.maxRetries) return { kind: 'released' };
    return { kind: 'retry', at: now + (delay === 'back-off' ? this.#delay(tries.charged + tries.free) : 0) };
  }

  /** Takes back the task's last attempt, which died of the same thing as others did. */
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

  /** Exponential, with full jitter above the base, so that workers that failed together do not come back together. */
  #delay(tries: number): number {
    const { retryBaseDelayMs: base, retryMaxDelayMs: max } = this.#options;
    const ceiling = Math.min(max, base * 2 ** Math.min(tries, 30));
    const floor = Math.min(base, ceiling);
    return Math.round(floor + this.#random() * (ceiling - floor));
  }
}

function alikeMessage({ outcome, message }: AttemptEnd): string {
  return `the same failure three times in a row: ${message === '' ? outcome : message}`;
}
