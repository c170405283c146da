import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type BilledUsage, listCost } from '../../src/pricing.ts';

const MILLION = 1_000_000;
const NOTHING: BilledUsage = {
  input: 0,
  output: 0,
  cacheRead: 0,
  cacheWrite5m: 0,
  cacheWrite1h: 0,
  webSearches: 0,
};

describe('listCost', () => {
  // What the CLI 2.1.330 itself reported for a million tokens of each kind.
  test.each([
    ['claude-opus-5-5', 4, 20, 0.2, 5, 8],
    ['claude-opus-4-8', 5, 25, 0.5, 6.25, 10],
    ['claude-sonnet-5-5', 2, 10, 0.1, 2.5, 4],
    ['claude-sonnet-5', 2, 10, 0.2, 2.5, 4],
    ['claude-sonnet-4-6', 3, 15, 0.3, 3.75, 6],
    ['claude-haiku-5-5', 0.5, 0.5, 0.05, 0.625, 1],
    ['claude-haiku-4-5', 1, 5, 0.1, 1.25, 2],
    ['claude-fable-5-2', 8, 40, 0.2, 10, 16],
    ['a-model-of-tomorrow', 4, 20, 0.2, 5, 8],
  ])('%s', (model, input, output, cacheRead, cacheWrite5m, cacheWrite1h) => {
    expect(listCost(model, { ...NOTHING, input: MILLION })).toBeCloseTo(input, 9);
    expect(listCost(model, { ...NOTHING, output: MILLION })).toBeCloseTo(output, 9);
    expect(listCost(model, { ...NOTHING, cacheRead: MILLION })).toBeCloseTo(cacheRead, 9);
    expect(listCost(model, { ...NOTHING, cacheWrite5m: MILLION })).toBeCloseTo(cacheWrite5m, 9);
    expect(listCost(model, { ...NOTHING, cacheWrite1h: MILLION })).toBeCloseTo(cacheWrite1h, 9);
    expect(listCost(model, { ...NOTHING, webSearches: 1_000 })).toBeCloseTo(10, 9);
  });

  test('a long prompt makes a small model dearer', () => {
    const cost = (input: number): number =>
      listCost('claude-haiku-5-5', { ...NOTHING, input, output: MILLION });
    expect(cost(100_000)).toBeCloseTo(0.51, 9);
    expect(cost(100_001)).toBeCloseTo(2.5500005, 9);
  });

  test('two calls cost what they cost together', () => {
    const amount = fc.nat({ max: 10_000_000 });
    const usage = fc.record({
      input: amount,
      output: amount,
      cacheRead: amount,
      cacheWrite5m: amount,
      cacheWrite1h: amount,
      webSearches: fc.nat({ max: 100 }),
    });
    fc.assert(
      fc.property(
        fc.constantFrom('claude-opus-5-5', 'claude-haiku-4-5', 'x'),
        usage,
        usage,
        (model, a, b) => {
          const both = Object.fromEntries(
            Object.keys(a).map((key) => [key, a[key as keyof BilledUsage] + b[key as keyof BilledUsage]]),
          ) as unknown as BilledUsage;
          expect(listCost(model, both)).toBeCloseTo(listCost(model, a) + listCost(model, b), 6);
        },
      ),
      { numRuns: 1_000 },
    );
  });
});
