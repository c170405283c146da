import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Charge, computeListPrice } from '../../../src/domain/pricing.ts';
import { cases } from '../../rig/effort.ts';

const NOTHING: Charge = {
  input: 0,
  output: 0,
  cacheRead: 0,
  cacheWrite: 0,
  cacheWrite1h: 0,
  webSearches: 0,
};

describe('computeListPrice', () => {
  // The costs that the CLI 2.1.330 itself reported for a million tokens of each kind.
  test.each([
    ['claude-opus-5-5', 4, 20, 0.2, 5, 8],
    ['claude-opus-5', 5, 25, 0.5, 6.25, 10],
    ['claude-opus-4-8', 5, 25, 0.5, 6.25, 10],
    ['claude-sonnet-5-5', 2, 10, 0.1, 2.5, 4],
    ['claude-sonnet-5', 2, 10, 0.2, 2.5, 4],
    ['claude-sonnet-4-6', 3, 15, 0.3, 3.75, 6],
    ['claude-haiku-5-5', 0.5, 0.5, 0.05, 0.625, 1],
    ['claude-haiku-4-5', 1, 5, 0.1, 1.25, 2],
    ['claude-fable-5-2', 8, 40, 0.2, 10, 16],
    ['a-model-of-tomorrow', 4, 20, 0.2, 5, 8],
  ])('%s', (model, input, output, cacheRead, cacheWrite, cacheWrite1h) => {
    const million = 1_000_000;
    expect(computeListPrice(model, { ...NOTHING, input: million })).toBeCloseTo(input, 9);
    expect(computeListPrice(model, { ...NOTHING, output: million })).toBeCloseTo(output, 9);
    expect(computeListPrice(model, { ...NOTHING, cacheRead: million })).toBeCloseTo(cacheRead, 9);
    expect(computeListPrice(model, { ...NOTHING, cacheWrite: million })).toBeCloseTo(cacheWrite, 9);
    expect(computeListPrice(model, { ...NOTHING, cacheWrite: million, cacheWrite1h: million })).toBeCloseTo(
      cacheWrite1h,
      9,
    );
    expect(computeListPrice(model, { ...NOTHING, webSearches: 1_000 })).toBeCloseTo(10, 9);
  });

  test('haiku has a price for short prompts and one for long ones', () => {
    const short = { ...NOTHING, input: 100_000, output: 1_000 };
    expect(computeListPrice('claude-haiku-5-5', short)).toBeCloseTo(0.0105, 9);
    expect(computeListPrice('claude-haiku-5-5', { ...short, cacheRead: 1 })).toBeCloseTo(0.0525, 6);
  });

  test('more of anything never costs less', () => {
    const amount = fc.nat({ max: 10_000_000 });
    const charge = fc
      .record({
        input: amount,
        output: amount,
        cacheRead: amount,
        cacheWrite: amount,
        webSearches: fc.nat(99),
      })
      .chain((own) => fc.nat({ max: own.cacheWrite }).map((cacheWrite1h) => ({ ...own, cacheWrite1h })));
    const kind = fc.constantFrom('input', 'output', 'cacheRead', 'cacheWrite', 'webSearches');
    const model = fc.constantFrom('claude-opus-5-5', 'claude-haiku-5-5', 'claude-sonnet-4-5', 'x');
    fc.assert(
      fc.property(model, charge, kind, (name, some, more) => {
        const cost = computeListPrice(name, some);
        expect(cost).toBeGreaterThanOrEqual(0);
        expect(computeListPrice(name, { ...some, [more]: some[more] + 1 })).toBeGreaterThan(cost);
      }),
      { numRuns: cases(2_000) },
    );
  });
});
