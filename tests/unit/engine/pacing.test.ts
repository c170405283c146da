import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Pacing } from '../../../src/engine/pacing.ts';
import type { SeenWindow } from '../../../src/usage/ledger.ts';
import { cases } from '../../rig/effort.ts';

function seen(overrides: Partial<SeenWindow> = {}): SeenWindow {
  return {
    name: 'five_hour',
    utilization: 0.5,
    status: 'allowed',
    resetsAt: 1,
    account: 'test',
    seenAt: 0,
    sharePerUsd: 0.1,
    ...overrides,
  };
}

function pacing(windows: readonly SeenWindow[], reserve: number): Pacing {
  return new Pacing({ reservePercent: reserve * 100, warnAtPercent: 100 }, { windows: () => windows });
}

function tooSmall(
  windows: readonly SeenWindow[],
  expectedUsd: number,
  runningUsd: number,
  { reserve }: { reserve: number },
): SeenWindow | undefined {
  return pacing(windows, reserve).findTooSmall(expectedUsd, runningUsd, 0);
}

describe('Pacing.findTooSmall', () => {
  it('starts a task that fits beside the running ones, and no other', () => {
    const window = seen({ utilization: 0.7 });
    expect(tooSmall([window], 2, 0, { reserve: 0 })).toBeUndefined();
    expect(tooSmall([window], 4, 0, { reserve: 0 })).toBe(window);
    expect(tooSmall([window], 2, 2, { reserve: 0 })).toBe(window);
    expect(tooSmall([window], 2, 0, { reserve: 0.2 })).toBe(window);
  });

  it('never refuses with half of the window left and nothing running: a larger task would never start', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1000, noNaN: true }),
        fc.double({ min: 0.001, max: 10, noNaN: true }),
        fc.double({ min: 0, max: 0.9, noNaN: true }),
        (expectedUsd, sharePerUsd, reserve) => {
          const window = seen({ utilization: 0.49 * (1 - reserve), sharePerUsd });
          expect(tooSmall([window], expectedUsd, 0, { reserve })).toBeUndefined();
        },
      ),
      { numRuns: cases(2000) },
    );
  });

  it('runs fewer tasks the less of the window is left, and their sum always fits', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.array(fc.double({ min: 0.01, max: 5, noNaN: true }), { maxLength: 20 }),
        (utilization, tasks) => {
          let running = 0;
          for (const expected of tasks) {
            if (tooSmall([seen({ utilization })], expected, running, { reserve: 0 }) === undefined)
              running += Math.min(expected, 5);
          }
          expect(running * 0.1).toBeLessThanOrEqual(1 - utilization + 1e-9);
        },
      ),
      { numRuns: cases(2000) },
    );
  });

  it('does not count the person’s use as its own: a small task starts beside a busy person', () => {
    const window = seen({ utilization: 0.8, sharePerUsd: 5 });
    expect(tooSmall([window], 1, 0, { reserve: 0 })).toBeUndefined();
  });

  it('delays no task for days because of a guess: only the five-hour window has a prior', () => {
    const guessed = { utilization: 0.97, sharePerUsd: null };
    expect(tooSmall([seen(guessed)], 2, 0, { reserve: 0 })).toBeDefined();
    for (const name of ['seven_day', 'seven_day_opus', 'overage'])
      expect(tooSmall([seen({ ...guessed, name })], 2, 0, { reserve: 0 })).toBeUndefined();
    expect(tooSmall([seen({ name: 'seven_day', utilization: 0.97 })], 2, 0, { reserve: 0 })).toBeDefined();
  });

  it('ignores the throttling of a key, unknown use, and windows whose overage is paid for', () => {
    const windows = [
      seen({ name: 'api_input_tokens', utilization: 1 }),
      seen({ utilization: null }),
      seen({ utilization: 1, status: 'rejected' }),
    ];
    expect(tooSmall(windows, 100, 0, { reserve: 0 })).toBeUndefined();
  });
});

describe('Pacing.findAtReserve', () => {
  it('finds the windows of which only the person’s reserve is left', () => {
    const windows = [seen({ utilization: 0.89 }), seen({ name: 'seven_day', utilization: 0.9 })];
    expect(
      pacing(windows, 0.1)
        .findAtReserve(0)
        .map(({ name }) => name),
    ).toEqual(['seven_day']);
    expect(pacing(windows, 0).findAtReserve(0)).toEqual([]);
    expect(pacing([seen({ name: 'api_requests', utilization: 1 })], 0.5).findAtReserve(0)).toEqual([]);
  });
});
