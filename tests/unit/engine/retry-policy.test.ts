import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AttemptEnd } from '../../../src/domain/attempt.ts';
import { OUTCOME_POLICY, OUTCOMES, type AttemptOutcome } from '../../../src/domain/outcome.ts';
import { RetryPolicy, type Circumstances } from '../../../src/engine/retry-policy.ts';
import type { NextStep } from '../../../src/engine/scheduler.ts';
import { attemptEnd, costing } from '../../rig/attempt-end.ts';
import { cases } from '../../rig/effort.ts';

const options = { maxRetries: 2, retryBaseDelayMs: 1000, retryMaxDelayMs: 10_000, maxReviewRounds: 2 };
const attempt = { taskId: '1', resumed: false, process: null };

function judge(policy: RetryPolicy, end: AttemptEnd, circumstances: Partial<Circumstances> = {}): NextStep {
  return policy.decide(attempt, end, { isLast: false, outage: false, now: 0, ...circumstances });
}

/** An end with a signature of its own. */
const differing = (outcome: AttemptOutcome, index: number): AttemptEnd =>
  attemptEnd(outcome, { message: 'abcdefghijklmnopqrstuvwxyz'.charAt(index % 26) });

describe('RetryPolicy', () => {
  it('ends every sequence of failures that do not stop dispatch', () => {
    const stopping = OUTCOMES.filter((outcome) => OUTCOME_POLICY[outcome].stops !== 'dispatch');
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...stopping), { minLength: 30, maxLength: 30 }), (outcomes) => {
        const policy = new RetryPolicy(options, () => 0.5);
        const verdicts = outcomes.map((outcome) => judge(policy, attemptEnd(outcome)).kind);
        const end = verdicts.findIndex((kind) => kind !== 'retry');
        expect(end).toBeGreaterThanOrEqual(0);
        const charged = outcomes.slice(0, end).filter((outcome) => OUTCOME_POLICY[outcome].charged);
        expect(charged.length).toBeLessThanOrEqual(options.maxRetries);
      }),
      { numRuns: cases(5000) },
    );
  });

  it('never fails a task for limits, bad credentials, interrupts or different faults of the machine', () => {
    const free = OUTCOMES.filter((outcome) => !OUTCOME_POLICY[outcome].charged);
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...free), { minLength: 1, maxLength: 20 }),
        fc.boolean(),
        (outcomes, isLast) => {
          const policy = new RetryPolicy(options, () => 0);
          for (const [index, outcome] of outcomes.entries())
            expect(judge(policy, differing(outcome, index), { isLast }).kind).not.toBe('failed');
        },
      ),
      { numRuns: cases(3000) },
    );
  });

  it('continues after a limit or an outage as if it had not happened', () => {
    const ends = fc.array(
      fc.record({ outcome: fc.constantFrom(...OUTCOMES), message: fc.constantFrom('a', 'b') }),
      { maxLength: 12 },
    );
    const places = fc.array(fc.nat(12), { maxLength: 12 });
    fc.assert(
      fc.property(ends, places, (own, interruptions) => {
        const plain = new RetryPolicy(options, () => 0.5);
        const interrupted = new RetryPolicy(options, () => 0.5);
        for (const [index, { outcome, message }] of own.entries()) {
          for (const place of interruptions.filter((at) => at === index)) {
            const isLimit = place % 2 === 0;
            const end = attemptEnd(isLimit ? 'usage-limited' : 'crashed', { message });
            const verdict = judge(interrupted, end, { outage: !isLimit, now: 9 });
            expect(verdict).toEqual({ kind: 'retry', at: 9, ahead: true });
          }
          const end = attemptEnd(outcome, { message });
          expect(judge(interrupted, end)).toEqual(judge(plain, end));
        }
      }),
      { numRuns: cases(3000) },
    );
  });

  it('leaves a task to a later run where a limit or an outage stops its last attempt', () => {
    for (const outage of [true, false]) {
      const end = attemptEnd(outage ? 'infrastructure' : 'usage-limited');
      const policy = new RetryPolicy(options, () => 0);
      expect(judge(policy, end, { isLast: true, outage })).toEqual({ kind: 'released' });
    }
    const policy = new RetryPolicy(options, () => 0);
    for (const outcome of ['unauthenticated', 'model-unavailable'] as const)
      expect(judge(policy, attemptEnd(outcome), { outage: true })).toEqual({ kind: 'released' });
  });

  it('backs off within its bounds, and longer each time at most', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }), (random) => {
        const policy = new RetryPolicy({ ...options, maxRetries: 50 }, () => random);
        for (let count = 1; count <= 50; count++) {
          const verdict = judge(policy, differing('crashed', count), { now: 5_000_000 });
          const delay = verdict.kind === 'retry' ? verdict.at - 5_000_000 : -1;
          expect(delay).toBeGreaterThanOrEqual(1000);
          expect(delay).toBeLessThanOrEqual(Math.min(10_000, 1000 * 2 ** count));
        }
      }),
      { numRuns: cases(300) },
    );
  });

  it('fails a task on its last charged attempt, and retries a failed gate at once', () => {
    const policy = new RetryPolicy(options, () => 0);
    const verdicts = [1, 2, 3].map((index) => judge(policy, differing('verify-failed', index), { now: 7 }));
    expect(verdicts).toEqual([{ kind: 'retry', at: 7 }, { kind: 'retry', at: 7 }, { kind: 'failed' }]);
  });

  it('fails a task early after three equal failures in a row, charged or not', () => {
    for (const outcome of ['verify-failed', 'crashed', 'infrastructure'] as const) {
      const policy = new RetryPolicy({ ...options, maxRetries: 50 }, () => 0);
      const message = (index: number): string =>
        `ENOSPC in /tmp/run-${index}/a.ts:${index}0 after ${index}.5 s`;
      const verdicts = [1, 2, 3].map((index) =>
        judge(policy, attemptEnd(outcome, { message: message(index) })),
      );
      expect(verdicts.map(({ kind }) => kind)).toEqual(['retry', 'retry', 'failed']);
      expect(verdicts[2]).toMatchObject({ why: `the same failure three times in a row: ${message(3)}` });
    }
  });

  it('does not count equal failures with another failure or a stop between them', () => {
    const policy = new RetryPolicy({ ...options, maxRetries: 50 }, () => 0);
    const failed = attemptEnd('crashed', { message: 'x' });
    for (let count = 0; count < 10; count++)
      for (const end of [failed, failed, attemptEnd('verify-failed', { message: 'x' })])
        expect(judge(policy, end).kind).toBe('retry');
    // It conflicts with other work each time.
    for (let count = 0; count < 10; count++)
      expect(judge(policy, attemptEnd('conflict', { message: 'In a.ts.' })).kind).toBe('retry');
  });

  it('forgets a failure that it is told to forgive', () => {
    const policy = new RetryPolicy(options, () => 0);
    for (let count = 0; count < 20; count++) {
      expect(judge(policy, attemptEnd('crashed', { message: 'x' })).kind).toBe('retry');
      policy.forgive('1');
    }
    policy.forgive('another');
  });

  it('starts a new session once where the old one is too long, and fails a task whose prompt is too long', () => {
    const tooLong = attemptEnd('prompt-too-long', { contextTokens: 190_000, usage: costing(1) });
    const policy = new RetryPolicy({ ...options, maxRetries: 50 }, () => 0);
    expect(judge(policy, tooLong).kind).toBe('retry');
    expect(judge(policy, tooLong).kind).toBe('failed');
    const first = attemptEnd('prompt-too-long');
    expect(judge(new RetryPolicy(options, () => 0), first).kind).toBe('failed');
    const resumed = { ...attempt, resumed: true };
    const circumstances = { isLast: false, outage: false, now: 0 };
    expect(new RetryPolicy(options, () => 0).decide(resumed, first, circumstances).kind).toBe('retry');
  });

  it('starts a new session only where the API refuses every request of a resumed one', () => {
    const refused = attemptEnd('refused', { message: 'The API refused the request.' });
    const circumstances = { isLast: false, outage: false, now: 0 };
    const policy = new RetryPolicy(options, () => 0);
    expect(policy.decide({ ...attempt, resumed: true }, refused, circumstances).kind).toBe('retry');
    expect(policy.decide(attempt, refused, circumstances).kind).toBe('failed');
    const worked = { ...refused, contextTokens: 10 };
    expect(policy.decide({ ...attempt, taskId: '2', resumed: true }, worked, circumstances).kind).toBe(
      'failed',
    );
  });

  it('fails a change that is rejected in the last round of review', () => {
    const policy = new RetryPolicy(options, () => 0.5);
    const rejected = (round: number): AttemptEnd =>
      attemptEnd('review-rejected', {
        review: { round, verdict: 'rejected', summary: 'No.', findings: [], commit: 'c' },
      });
    expect(judge(policy, rejected(1)).kind).toBe('retry');
    expect(judge(policy, rejected(options.maxReviewRounds)).kind).toBe('failed');
  });
});
