import { emptyEnd, type AttemptEnd } from '../../src/domain/attempt.ts';
import type { AttemptOutcome } from '../../src/domain/outcome.ts';

/** The end of an attempt with only its outcome, and the fields that a test needs. */
export function attemptEnd(outcome: AttemptOutcome, overrides: Partial<AttemptEnd> = {}): AttemptEnd {
  return { ...emptyEnd(outcome, ''), ...overrides };
}

/** A usage with this cost. */
export function costing(costUsd: number): AttemptEnd['usage'] {
  return [{ model: 'claude-sonnet-5-5', input: 1, output: 1, cacheRead: 0, cacheWrite: 0, costUsd }];
}
