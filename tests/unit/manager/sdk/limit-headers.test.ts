import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readLimitHeaders } from '../../../../src/manager/sdk/limit-headers.ts';
import { rateLimitHeaders } from '../../../../src/simulator/rate-limit.ts';
import { computePause } from '../../../../src/domain/usage-limit.ts';
import { cases } from '../../../rig/effort.ts';

const NOW = Date.parse('2026-11-22T02:00:00Z');
const read = (headers: Record<string, string>, status = 200) =>
  readLimitHeaders(new Headers(headers), status, NOW);

describe("a plan's headers", () => {
  const limit = {
    status: 'rejected' as const,
    claim: 'five_hour' as const,
    resetIn: 7200,
    fiveHour: { utilization: 1, resetIn: 7200, status: 'rejected' as const },
    sevenDay: { utilization: 0.65, resetIn: 400_000, status: 'allowed' as const },
  };
  const windows = [
    { name: 'five_hour', utilization: 1, status: 'rejected', resetsAt: NOW + 7_200_000 },
    { name: 'seven_day', utilization: 0.65, status: 'allowed', resetsAt: NOW + 400_000_000 },
  ];

  test('of a refused request tell its windows, and that it was refused', () => {
    const seen = read(rateLimitHeaders(limit, NOW), 429);
    expect(seen).toEqual({ windows, overageInUse: false, refused: true });
    expect(seen === undefined ? undefined : computePause(seen, NOW)?.until).toBe(NOW + 7_200_000);
  });

  test('of a request that was answered refuse nothing, with use beyond the plan or without', () => {
    expect(read(rateLimitHeaders(limit, NOW))).toEqual({ windows, overageInUse: false, refused: false });
    const overage = { status: 'allowed' as const, inUse: true };
    const paid = read(rateLimitHeaders({ ...limit, overage }, NOW), 429);
    expect(paid).toMatchObject({ overageInUse: true, refused: false });
  });

  test('that only name the window that decided tell that one', () => {
    const seen = read(
      rateLimitHeaders({ status: 'rejected', claim: 'seven_day_opus', resetIn: 60 }, NOW),
      429,
    );
    expect(seen?.windows).toEqual([
      { name: 'seven_day_opus', utilization: null, status: 'rejected', resetsAt: NOW + 60_000 },
    ]);
  });
});

describe("a key's headers", () => {
  const key = (kind: string, limit: string, remaining: string, reset: string) => ({
    [`anthropic-ratelimit-${kind}-limit`]: limit,
    [`anthropic-ratelimit-${kind}-remaining`]: remaining,
    [`anthropic-ratelimit-${kind}-reset`]: reset,
  });

  test('tell what is used of each minute', () => {
    const headers = {
      ...key('requests', '50', '49', '2026-11-22T02:00:02Z'),
      ...key('input-tokens', '1000', '250', '2026-11-22T02:00:45Z'),
    };
    expect(read(headers)).toEqual({
      overageInUse: false,
      refused: false,
      windows: [
        { name: 'api_requests', utilization: 1 - 49 / 50, status: 'allowed', resetsAt: NOW + 2000 },
        { name: 'api_input_tokens', utilization: 0.75, status: 'allowed', resetsAt: NOW + 45_000 },
      ],
    });
  });

  test('of a refused request tell what was used up, and never a reset that is over already', () => {
    const headers = {
      ...key('requests', '50', '20', '2026-11-22T02:30:00Z'),
      ...key('tokens', '1000', '0', '2026-11-22T01:59:59Z'),
    };
    const seen = read(headers, 429);
    expect(seen).toMatchObject({ refused: true });
    expect(seen === undefined ? undefined : computePause(seen, NOW)).toEqual({
      since: NOW,
      until: NOW + 1000,
      window: 'api_tokens',
    });
  });

  test('that ask to wait are a refusal for as long', () => {
    const seen = read({ 'retry-after': '30' }, 429);
    expect(seen).toMatchObject({ refused: true });
    expect(seen === undefined ? undefined : computePause(seen, NOW)?.until).toBe(NOW + 30_000);
    expect(read({ 'retry-after': '30' }, 529)).toBeUndefined();
  });

  test('that name no time refuse nothing yet', () => {
    expect(read({}, 429)).toBeUndefined();
    expect(read({})).toBeUndefined();
  });
});

test('headers are read whatever they hold', () => {
  const name = fc.constantFrom(
    ...['status', 'reset', 'representative-claim', '5h-utilization', '5h-reset', '5h-status'].map(
      (field) => `anthropic-ratelimit-unified-${field}`,
    ),
    ...['limit', 'remaining', 'reset'].map((field) => `anthropic-ratelimit-tokens-${field}`),
    'retry-after',
  );
  const value = fc.oneof(
    fc.constantFrom(
      '',
      ' ',
      'rejected',
      'allowed',
      '-1',
      'NaN',
      '1e999',
      '0',
      '0.5',
      'five_hour',
      '1795335096',
    ),
    fc.string({ unit: 'grapheme-ascii' }),
  );
  fc.assert(
    fc.property(fc.dictionary(name, value), fc.constantFrom(200, 400, 429, 529), (headers, status) => {
      const seen = readLimitHeaders({ get: (key) => headers[key] ?? null }, status, NOW);
      for (const { utilization, resetsAt } of seen?.windows ?? []) {
        expect(utilization === null || utilization >= 0).toBe(true);
        expect(resetsAt === null || Number.isFinite(resetsAt)).toBe(true);
      }
      if (seen?.refused === true) expect(status).toBe(429);
    }),
    { numRuns: cases(5000) },
  );
});

test('a reset that no date can tell is none', () => {
  const headers = new Headers({
    'anthropic-ratelimit-unified-status': 'rejected',
    'anthropic-ratelimit-unified-reset': '9'.repeat(30),
    'anthropic-ratelimit-unified-representative-claim': 'five_hour',
  });
  expect(readLimitHeaders(headers, 429, Date.now())?.windows).toMatchObject([{ resetsAt: null }]);
});
