import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OUTCOME_POLICY, OUTCOMES, type AttemptOutcome } from '../../src/outcome.ts';
import { RetryPolicy } from '../../src/retry-policy.ts';
import { attemptEnd } from '../rig/attempt-end.ts';

const options = { maxRetries: 2, retryBaseDelayMs: 1000, retryMaxDelayMs: 10_000, maxReviewRounds: 2 };

describe('RetryPolicy', () => {
  it('ends every sequence of failures: no outcome can be repeated for ever', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...OUTCOMES), { minLength: 30, maxLength: 30 }), (outcomes) => {
        const policy = new RetryPolicy(options, () => 0.5);
        const verdicts = outcomes.map(
          (outcome) =>
            policy.judge({ taskId: '1' }, attemptEnd(outcome), { ending: false, outage: false, now: 0 }).kind,
        );
        const end = verdicts.findIndex((kind) => kind !== 'retry');
        expect(end).toBeGreaterThanOrEqual(0);
        const charged = outcomes.slice(0, end).filter((outcome) => OUTCOME_POLICY[outcome].charged);
        expect(charged.length).toBeLessThanOrEqual(options.maxRetries);
      }),
      { numRuns: 2000 },
    );
  });

  it('never lets a limit, an outage, a bad credential or an interrupt fail a task', () => {
    const free: AttemptOutcome[] = [
      'usage-limited',
      'infrastructure',
      'unauthenticated',
      'model-unavailable',
      'cancelled',
      'over-budget',
    ];
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...free), { minLength: 1, maxLength: 20 }),
        fc.boolean(),
        (outcomes, ending) => {
          const policy = new RetryPolicy(options, () => 0);
          for (const outcome of outcomes)
            expect(
              policy.judge({ taskId: '1' }, attemptEnd(outcome), { ending, outage: false, now: 0 }).kind,
            ).not.toBe('failed');
        },
      ),
    );
  });

  it('backs off within its bounds, and longer each time at most', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }), (random) => {
        const policy = new RetryPolicy({ ...options, maxRetries: 50 }, () => random);
        for (let attempt = 1; attempt <= 50; attempt++) {
          const verdict = policy.judge({ taskId: '1' }, attemptEnd('crashed'), {
            ending: false,
            outage: false,
            now: 5_000_000,
          });
          const delay = verdict.kind === 'retry' ? verdict.at - 5_000_000 : -1;
          expect(delay).toBeGreaterThanOrEqual(1000);
          expect(delay).toBeLessThanOrEqual(Math.min(10_000, 1000 * 2 ** attempt));
        }
      }),
      { numRuns: 100 },
    );
  });

  it('fails a task on its last charged attempt, and retries a failed gate at once', () => {
    const policy = new RetryPolicy(options, () => 0);
    const kinds = [1, 2, 3].map(() =>
      policy.judge({ taskId: '1' }, attemptEnd('verify-failed'), { ending: false, outage: false, now: 7 }),
    );
    expect(kinds).toEqual([{ kind: 'retry', at: 7 }, { kind: 'retry', at: 7 }, { kind: 'failed' }]);
  });

  it('gives a change up that is still not accepted in the last round of review', () => {
    const policy = new RetryPolicy(options, () => 0.5);
    const rejected = (round: number) =>
      attemptEnd('review-rejected', {
        review: { round, verdict: 'rejected', summary: 'No.', findings: [], commit: 'c' },
      });
    expect(policy.judge({ taskId: '1' }, rejected(1), { ending: false, outage: false, now: 0 }).kind).toBe(
      'retry',
    );
    expect(
      policy.judge({ taskId: '1' }, rejected(options.maxReviewRounds), {
        ending: false,
        outage: false,
        now: 0,
      }).kind,
    ).toBe('failed');
  });
});
