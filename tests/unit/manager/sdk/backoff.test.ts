import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseRetryAfter, computeRetryDelay } from '../../../../src/manager/sdk/backoff.ts';
import { cases } from '../../../rig/effort.ts';

const NOW = Date.parse('2026-01-01T00:00:00Z');
const headers = (values: Record<string, string>): Headers => new Headers(values);

describe('computeRetryDelay', () => {
  test('is at least what the server asks for, at most the greatest delay, and ends', () => {
    const backoff = fc.record({
      maxRetries: fc.nat({ max: 10 }),
      baseMs: fc.nat({ max: 5_000 }),
      maxMs: fc.nat({ max: 60_000 }),
    });
    const asked = fc.option(fc.nat({ max: 4_000_000 }), { nil: undefined });
    const random = fc.double({ min: 0, max: 0.999, noNaN: true });
    fc.assert(
      fc.property(fc.nat({ max: 2_000 }), asked, backoff, random, (attempt, retryAfter, options, chance) => {
        const delay = computeRetryDelay(attempt, retryAfter, options, () => chance);
        if (attempt >= options.maxRetries || (retryAfter ?? 0) > options.maxMs) {
          expect(delay).toBeUndefined();
          return;
        }
        expect(delay).toBeGreaterThanOrEqual(retryAfter ?? 0);
        expect(delay).toBeLessThanOrEqual(options.maxMs);
      }),
      { numRuns: cases(5_000) },
    );
  });

  test('doubles', () => {
    const options = { maxRetries: 9, baseMs: 1_000, maxMs: 5_000 };
    const delays = [0, 1, 2, 3].map((attempt) => computeRetryDelay(attempt, undefined, options, () => 1));
    expect(delays).toEqual([1_000, 2_000, 4_000, 5_000]);
  });
});

describe('parseRetryAfter', () => {
  test.each([
    [{}, undefined],
    [{ 'retry-after': '3' }, 3_000],
    [{ 'retry-after': '0.5' }, 500],
    [{ 'retry-after': '3600' }, 3_600_000],
    [{ 'retry-after-ms': '250', 'retry-after': '9' }, 250],
    [{ 'retry-after': 'Thu, 01 Jan 2026 00:01:00 GMT' }, 60_000],
    [{ 'retry-after': 'Wed, 31 Dec 2025 00:00:00 GMT' }, 0],
    [{ 'retry-after': 'soon' }, undefined],
    [{ 'retry-after': '' }, undefined],
    [{ 'retry-after-ms': 'x' }, undefined],
  ])('%o', (values, expected) => {
    expect(parseRetryAfter(headers(values), NOW)).toBe(expected);
  });

  test('without headers there is none', () => {
    expect(parseRetryAfter(undefined, NOW)).toBeUndefined();
  });
});

test.each([
  ['retry-after-ms', '9'.repeat(400)],
  ['retry-after', '9'.repeat(30)],
  ['retry-after', 'Fri, 31 Dec 9999 23:59:59 GMT'],
])('%s: %s is no longer than a date can tell', (name, value) => {
  const wait = parseRetryAfter(new Headers({ [name]: value }), NOW) ?? 0;
  expect(new Date(Date.now() + wait).getTime()).toBeGreaterThan(NOW);
});
