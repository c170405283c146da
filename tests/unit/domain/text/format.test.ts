import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  formatDuration,
  formatEstimate,
  formatMoney,
  formatTokens,
  plural,
} from '../../../../src/domain/text/format.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

test.each([
  [0, '0s'],
  [999, '0s'],
  [59_999, '59s'],
  [MINUTE, '1m 00s'],
  [65_000, '1m 05s'],
  [HOUR, '1h 00m'],
  [2 * HOUR + 7 * MINUTE + 59_000, '2h 07m'],
  [76 * HOUR, '3d 04h'],
  [-5, '0s'],
  [NaN, '0s'],
])('%d ms last %s', (milliseconds, expected) => {
  expect(formatDuration(milliseconds)).toBe(expected);
});

test.each([
  [0, 'under a minute'],
  [59_000, 'under a minute'],
  [12.4 * MINUTE, 'about 12m'],
  [33 * MINUTE, 'about 35m'],
  [59 * MINUTE, 'about 1h 00m'],
  [2 * HOUR + 13 * MINUTE, 'about 2h 15m'],
])('an estimate of %d ms is %s', (milliseconds, expected) => {
  expect(formatEstimate(milliseconds)).toBe(expected);
});

test.each([
  [0, '$0.00'],
  [-1, '$0.00'],
  [NaN, '$0.00'],
  [0.00001, '<$0.0001'],
  [0.0042, '$0.0042'],
  [0.01, '$0.01'],
  [12.3, '$12.30'],
  [1234.4, '$1234'],
])('%d dollars are %s', (usd, expected) => {
  expect(formatMoney(usd)).toBe(expected);
});

test('no amount reads as nothing', () => {
  fc.assert(
    fc.property(fc.double({ min: 0, minExcluded: true, max: 1e9, noNaN: true }), (usd) => {
      expect(formatMoney(usd)).toMatch(/[1-9]/);
    }),
  );
});

test.each([
  [0, '0'],
  [999, '999'],
  [1000, '1.0k'],
  [9949, '9.9k'],
  [9951, '10k'],
  [999_499, '999k'],
  [999_500, '1.0M'],
  [3_400_000, '3.4M'],
  [2.5e9, '2.5G'],
  [7e12, '7T'],
  [-3, '0'],
])('%d tokens are %s', (tokens, expected) => {
  expect(formatTokens(tokens)).toBe(expected);
});

test('plural adds an s where there is not exactly one', () => {
  expect([0, 1, 2].map((count) => plural(count, 'task'))).toEqual(['0 tasks', '1 task', '2 tasks']);
});
