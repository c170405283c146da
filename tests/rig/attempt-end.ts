import { emptyEnd, type AttemptEnd } from '../../src/domain/attempt.ts';
import type { AttemptOutcome } from '../../src/domain/outcome.ts';

/** The end of an attempt with nothing but its outcome; override what the test is about. */
export function attemptEnd(outcome: AttemptOutcome, overrides: Partial<AttemptEnd> = {}): AttemptEnd {
  return { ...emptyEnd(outcome, ''), ...overrides };
}

/** What a model is said to have used, for a given price. */
export function costing(costUsd: number): AttemptEnd['usage'] {
  return [{ model: 'claude-sonnet-5-5', input: 1, output: 1, cacheRead: 0, cacheWrite: 0, costUsd }];
}
