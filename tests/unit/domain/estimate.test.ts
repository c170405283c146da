import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { learnEstimates } from '../../../src/domain/estimate.ts';
import { SIZES } from '../../../src/domain/task.ts';
import { cases } from '../../rig/effort.ts';

const task = { size: 'M', estimateMinutes: null } as const;

describe('learnEstimates', () => {
  it('grows with the size before there is any history', () => {
    const minutes = SIZES.map((size) => learnEstimates([])({ size, estimateMinutes: null }));
    expect(minutes).toEqual([...minutes].sort((a, b) => a - b));
  });

  it('comes close to the real times of a size, and gives an outlier little weight', () => {
    const usual = Array.from({ length: 20 }, () => ({ ...task, minutes: 16 }));
    expect(learnEstimates(usual)(task)).toBeGreaterThan(13);
    expect(learnEstimates(usual)(task)).toBeLessThanOrEqual(16);
    const outlier = learnEstimates([...usual, { ...task, minutes: 1000 }])(task);
    expect(outlier).toBeLessThan(20);
  });

  it('is always positive and finite, for any history', () => {
    const history = fc.array(
      fc.record({
        size: fc.constantFrom(null, ...SIZES),
        estimateMinutes: fc.oneof(fc.constant(null), fc.double({ min: 0, max: 1e6, noNaN: true })),
        minutes: fc.double(),
      }),
    );
    fc.assert(
      fc.property(history, fc.constantFrom(null, ...SIZES), (finished, size) => {
        const estimate = learnEstimates(finished)({ size, estimateMinutes: null });
        expect(estimate).toBeGreaterThan(0);
        expect(Number.isFinite(estimate)).toBe(true);
      }),
      { numRuns: cases(2000) },
    );
  });
});
