import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatClock, formatDue, formatWait, withClockTimes } from '../../../../src/domain/text/clock.ts';
import { cases } from '../../../rig/effort.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
/** Local times, so that the test says the same in every time zone. */
const local = (day: number, hours: number, minutes = 0): number =>
  new Date(2026, 2, day, hours, minutes).getTime();

test.each([
  ['on the same day', local(10, 14, 5), '14:05'],
  ['earlier that day', local(10, 0, 0), '00:00'],
  ['tomorrow', local(11, 9), 'Wed 09:00'],
  ['in six days', local(16, 9), 'Mon 09:00'],
  ['in a week', local(17, 9), 'Tue 17 Mar 09:00'],
  ['yesterday', local(9, 23, 59), 'Mon 23:59'],
  ['never', Number.NaN, 'an unknown time'],
])('the clock %s', (_when, time, expected) => {
  expect(formatClock(time, local(10, 12))).toBe(expected);
});

test.each([
  [-5, '0 s'],
  [Number.NaN, '0 s'],
  [0, '0 s'],
  [1, '1 s'],
  [119_500, '120 s'],
  [2 * MINUTE + 1, '3 min'],
  [59 * MINUTE, '59 min'],
  [59 * MINUTE + 1, '1 h'],
  [HOUR + 12 * MINUTE, '1 h 12 min'],
  [24 * HOUR - 1, '1 d'],
  [26 * HOUR + 1, '1 d 3 h'],
])('a wait of %d ms is %s', (milliseconds, expected) => {
  expect(formatWait(milliseconds)).toBe(expected);
});

test('what is due is told by the clock and by how long it takes', () => {
  const now = local(10, 12, 20);
  expect(formatDue(local(10, 14, 30), now)).toBe('14:30, in 2 h 10 min');
  expect(formatDue(now, now)).toBe('12:20, any moment');
});

const UNITS: Readonly<Record<string, number>> = { s: SECOND, min: MINUTE, h: HOUR, d: 24 * HOUR };

function waitOf(text: string): number {
  const parts = [...text.matchAll(/(\d+) (\w+)/g)];
  return parts.reduce((sum, [, count, unit]) => sum + Number(count) * (UNITS[unit ?? ''] ?? Number.NaN), 0);
}

test('a wait is never told as shorter than it is, nor as longer by more than its smallest unit', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 30 * 24 * HOUR }), (wait) => {
      const told = waitOf(formatWait(wait));
      expect(told).toBeGreaterThanOrEqual(wait);
      const unit = wait <= 2 * MINUTE ? SECOND : wait < 24 * HOUR ? MINUTE : HOUR;
      expect(told - wait).toBeLessThan(unit);
    }),
    { numRuns: cases(5000) },
  );
});

test('a countdown never goes up as time goes by, nor below nothing', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: -HOUR, max: 9 * 24 * HOUR }),
      fc.integer({ min: 0, max: HOUR }),
      (wait, later) => {
        const [before, after] = [waitOf(formatWait(wait)), waitOf(formatWait(wait - later))];
        expect(after).toBeLessThanOrEqual(before);
        expect(after).toBeGreaterThanOrEqual(0);
      },
    ),
    { numRuns: cases(5000) },
  );
});

test('a sentence tells its moments by the clock, those to come with how long it takes', () => {
  const now = local(10, 12);
  const [later, before] = [local(10, 14, 10), local(9, 8)].map((time) => new Date(time).toISOString());
  expect(withClockTimes(`It resets at ${later} (--no-wait); asked at ${before}.`, now)).toBe(
    'It resets at 14:10, in 2 h 10 min (--no-wait); asked at Mon 08:00.',
  );
  expect(withClockTimes('Nothing of 2026-11-22 at all.', now)).toBe('Nothing of 2026-11-22 at all.');
});
