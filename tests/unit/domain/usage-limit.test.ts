import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  extendPause,
  computePause,
  parseSpendingReset,
  isStillInForce,
  type LimitObservation,
  type LimitPause,
  type UsageWindow,
} from '../../../src/domain/usage-limit.ts';
import { cases } from '../../rig/effort.ts';

const NOW = Date.parse('2026-11-22T02:00:00Z');
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

const reset = fc.oneof(
  fc.constant(null),
  fc.constantFrom(NaN, Infinity, -1, 0, NOW, NOW - 1, NOW / 1000, NOW * 1000, Number.MAX_SAFE_INTEGER),
  fc.integer({ min: NOW - 9 * DAY, max: NOW + 400 * DAY }),
  fc.integer({ min: NOW + 1, max: NOW + 7 * DAY }),
);
const window: fc.Arbitrary<UsageWindow> = fc.record({
  name: fc.constantFrom('five_hour', 'seven_day', 'seven_day_opus', 'api_tokens', 'overage'),
  utilization: fc.oneof(fc.constant(null), fc.double({ min: 0, max: 2, noNaN: true })),
  status: fc.constantFrom('allowed', 'allowed_warning', 'rejected'),
  resetsAt: reset,
});
const observation: fc.Arbitrary<LimitObservation> = fc.record({
  windows: fc.array(window, { maxLength: 5 }),
  overageInUse: fc.boolean(),
  refused: fc.boolean(),
});
const refusal = observation.map((seen) => ({ ...seen, refused: true, overageInUse: false }));

const RUNS = { numRuns: cases(5000) };
const full = (name: string, resetsAt: number | null): UsageWindow => ({
  name,
  utilization: 1,
  status: 'rejected',
  resetsAt,
});
const refused = (...windows: UsageWindow[]): LimitObservation => ({
  windows,
  overageInUse: false,
  refused: true,
});
const isBelievable = (at: number | null): at is number => at !== null && at > NOW && at <= NOW + 366 * DAY;
const exhausts = ({ status, name }: UsageWindow): boolean => status === 'rejected' && name !== 'overage';

describe('a refusal', () => {
  test('holds until the latest reset of the exhausted windows; an implausible one counts as in an hour', () => {
    fc.assert(
      fc.property(refusal, (seen) => {
        const resets = seen.windows
          .filter(exhausts)
          .map(({ resetsAt }) => (isBelievable(resetsAt) ? Math.min(resetsAt, NOW + 8 * DAY) : NOW + HOUR));
        const expected = resets.length === 0 ? NOW + HOUR : Math.max(...resets);
        const pause = computePause(seen, NOW);
        expect(pause).toMatchObject({ since: NOW, until: expected });
        if (resets.length === 0) expect(pause?.window).toBeNull();
        else expect(seen.windows.filter(exhausts).map(({ name }) => name)).toContain(pause?.window);
      }),
      RUNS,
    );
  });

  test('never holds longer than eight days, and never ends before it began', () => {
    fc.assert(
      fc.property(refusal, (seen) => {
        const until = computePause(seen, NOW)?.until ?? NaN;
        expect(until).toBeGreaterThan(NOW);
        expect(until).toBeLessThanOrEqual(NOW + 8 * DAY);
      }),
      RUNS,
    );
  });

  test('is not extended by a window that is not exhausted', () => {
    fc.assert(
      fc.property(refusal, window, fc.constantFrom('allowed', 'allowed_warning'), (seen, other, status) => {
        const more = { ...seen, windows: [...seen.windows, { ...other, status }] };
        expect(computePause(more, NOW)).toEqual(computePause(seen, NOW));
      }),
      RUNS,
    );
    const week: UsageWindow = {
      name: 'seven_day',
      utilization: 0.65,
      status: 'allowed',
      resetsAt: NOW + 5 * DAY,
    };
    expect(computePause(refused(week, full('five_hour', NOW + 2 * HOUR)), NOW)).toEqual({
      since: NOW,
      until: NOW + 2 * HOUR,
      window: 'five_hour',
    });
  });

  test('of usage beyond the plan does not last longer than that of the plan', () => {
    const seen = refused(full('five_hour', NOW + 2 * HOUR), full('overage', NOW + 20 * DAY));
    expect(computePause(seen, NOW)?.until).toBe(NOW + 2 * HOUR);
    expect(computePause(refused(full('overage', NOW + 20 * DAY)), NOW)?.until).toBe(NOW + HOUR);
  });
});

describe('no pause', () => {
  test('follows where nothing was refused, or where usage beyond the plan is paid for', () => {
    fc.assert(
      fc.property(observation, (seen) => {
        fc.pre(!seen.refused || seen.overageInUse);
        expect(computePause(seen, NOW)).toBeUndefined();
        expect(extendPause(undefined, seen, NOW)).toBeUndefined();
      }),
      RUNS,
    );
  });
});

describe('a pause', () => {
  const later = fc.array(fc.tuple(fc.integer({ min: 0, max: 2 * DAY }), observation), { maxLength: 12 });

  test('becomes longer or stays, in any order of observations', () => {
    fc.assert(
      fc.property(later, (steps) => {
        let [now, pause] = [NOW, undefined as LimitPause | undefined];
        for (const [passed, seen] of steps) {
          now += passed;
          const next = extendPause(pause, seen, now);
          const alone = computePause(seen, now);
          const held = pause !== undefined && pause.until > now;
          if (held) {
            expect(next?.until).toBeGreaterThanOrEqual(pause?.until ?? NaN);
            expect(next?.since).toBe(pause?.since);
          } else expect(next).toEqual(alone);
          if (isStillInForce(seen, now)) expect(next?.until).toBeGreaterThanOrEqual(alone?.until ?? NaN);
          pause = next;
        }
      }),
      RUNS,
    );
  });

  test('with a known reset is not extended by a refusal without one', () => {
    const known = extendPause(undefined, refused(full('five_hour', NOW + 600_000)), NOW);
    expect(extendPause(known, refused(), NOW + 60_000)).toEqual(known);
    expect(extendPause(known, refused(full('five_hour', null)), NOW + 60_000)).toEqual(known);
    expect(extendPause(known, refused(full('seven_day', NOW + DAY)), NOW + 60_000)).toEqual({
      since: NOW,
      until: NOW + DAY,
      window: 'seven_day',
    });
  });
});

test.each([
  [
    'You have reached your specified API usage limits. You will regain access on 2026-12-01 at 00:00 UTC.',
    '2026-12-01T00:00:00Z',
  ],
  [
    'API Error: 400 {"message":"You have reached your specified workspace API usage limits.\nYou will regain access on 2026-12-05 at 13:30 UTC"}',
    '2026-12-05T13:30:00Z',
  ],
  [
    'You have reached your specified API usage limits. You will regain access on 2026-12-01',
    '2026-12-01T00:00:00Z',
  ],
])('reads when an account may be used again', (message, expected) => {
  expect(parseSpendingReset(message)).toBe(Date.parse(expected));
});

test.each([
  '',
  'You will regain access on 2026-12-01',
  'API usage limits: regain access on 2026-99-99 at 00:00 UTC',
])('reads no time where there is none: %s', (message) => {
  expect(parseSpendingReset(message)).toBeUndefined();
});
