import fc from 'fast-check';
import { expect, it } from 'vitest';
import { boundText } from '../../../../src/domain/text/bound-text.ts';
import { cases } from '../../../rig/effort.ts';

const BOUNDS = { head: 2, failing: 3, tail: 2 };
const numbered = (count: number): string[] => Array.from({ length: count }, (_, index) => `line ${index}`);

it('shows a short text whole', () => {
  expect(boundText(numbered(8).join('\n'), BOUNDS)).toEqual(numbered(8));
});

it('keeps the beginning and the end of a long one, and says what is missing', () => {
  expect(boundText(numbered(100).join('\n'), BOUNDS)).toEqual([
    'line 0',
    'line 1',
    '… 96 lines left out',
    'line 98',
    'line 99',
  ]);
});

it.each([
  'FAIL src/a.test.ts',
  'AssertionError: 1 !== 2',
  'not ok 3 - adds',
  'error TS2304: Cannot find name',
  '    ✗ rejects an empty password',
  'Traceback (most recent call last):',
  'thread main panicked at src/main.rs:2',
])('keeps the first failing lines: %s', (sign) => {
  const lines = numbered(100);
  lines[50] = sign;
  expect(boundText(lines.join('\n'), BOUNDS)).toEqual([
    'line 0',
    'line 1',
    '… 48 lines left out',
    sign,
    'line 51',
    'line 52',
    '… 45 lines left out',
    'line 98',
    'line 99',
  ]);
});

it.each(['0 failed, 12 passed', 'Found 0 errors.', 'terror', 'errors: 0'])(
  'takes "%s" for no failure',
  (innocent) => {
    const lines = numbered(100);
    lines[50] = innocent;
    expect(boundText(lines.join('\n'), BOUNDS)).not.toContain(innocent);
  },
);

it('never invents, reorders or silently drops a line, and is never longer than its bounds allow', () => {
  const bound = fc.nat(6);
  const line = fc.constantFrom('a', 'b', '', 'FAILED', 'error: x');
  fc.assert(
    fc.property(
      fc.record({ head: bound, failing: bound, tail: bound }),
      fc.array(line, { minLength: 1, maxLength: 60 }).map((lines) => [...lines, 'end']),
      (bounds, lines) => {
        const numberedLines = lines.map((text, index) => `${index} ${text}`);
        const shown = boundText(numberedLines.join('\n'), bounds);
        expect(shown.length).toBeLessThanOrEqual(bounds.head + bounds.failing + bounds.tail + 2);
        let next = 0;
        for (const text of shown) {
          const gap = /^… (\d+) lines? left out$/.exec(text)?.[1];
          if (gap !== undefined) next += Number(gap);
          else expect(text).toBe(numberedLines[next++]);
        }
        expect(next).toBe(numberedLines.length);
      },
    ),
    { numRuns: cases(3000) },
  );
});
