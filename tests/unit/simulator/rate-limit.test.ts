import { expect, test } from 'vitest';
import { keyLimitHeaders, rateLimitHeaders } from '../../../src/simulator/rate-limit.ts';

const NOW = Date.parse('2026-11-22T10:00:00.000Z');

test("tells a subscription's windows under the names that the API gives them", () => {
  const headers = rateLimitHeaders(
    {
      status: 'rejected',
      claim: 'seven_day_opus',
      resetAt: 1000,
      fiveHour: { utilization: 0.4, resetIn: 60, status: 'allowed' },
      sevenDayOverageIncluded: { utilization: 1, status: 'rejected', surpassedThreshold: 0.9 },
      overage: { status: 'allowed', inUse: true, resetIn: 90 },
    },
    NOW,
  );
  expect(headers).toEqual({
    'anthropic-ratelimit-unified-status': 'rejected',
    'anthropic-ratelimit-unified-reset': '1000',
    'anthropic-ratelimit-unified-representative-claim': 'seven_day_opus',
    'anthropic-ratelimit-unified-5h-utilization': '0.4',
    'anthropic-ratelimit-unified-5h-reset': String(NOW / 1000 + 60),
    'anthropic-ratelimit-unified-5h-status': 'allowed',
    'anthropic-ratelimit-unified-7d_oi-utilization': '1',
    'anthropic-ratelimit-unified-7d_oi-status': 'rejected',
    'anthropic-ratelimit-unified-7d_oi-surpassed-threshold': '0.9',
    'anthropic-ratelimit-unified-overage-status': 'allowed',
    'anthropic-ratelimit-unified-overage-reset': String(NOW / 1000 + 90),
    'anthropic-ratelimit-unified-overage-in-use': 'true',
  });
});

test('tells what an API key has left for the minute', () => {
  expect(keyLimitHeaders({ 'input-tokens': { limit: 50_000, remaining: 0, resetIn: 42 } }, NOW)).toEqual({
    'anthropic-ratelimit-input-tokens-limit': '50000',
    'anthropic-ratelimit-input-tokens-remaining': '0',
    'anthropic-ratelimit-input-tokens-reset': '2026-11-22T10:00:42Z',
  });
});
