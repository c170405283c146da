import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fold } from '../../../src/cli/fold.ts';
import { displayWidth } from '../../../src/domain/text/display-text.ts';

const terminal = (columns: number) => ({ isTTY: true, columns });

test('breaks between words, never in a command, and indents what goes on', () => {
  expect(fold(terminal(22), ['! git  the repository has no commit yet'], 7)).toEqual([
    '! git  the repository',
    '       has no commit',
    '       yet',
  ]);
  expect(fold(terminal(20), ['Run `git config user.name you` there.'])).toEqual([
    'Run',
    '  `git config user.name you`',
    '  there.',
  ]);
});

test('leaves what fits, and everything where there is no terminal', () => {
  expect(fold(terminal(20), ['  a    b'])).toEqual(['  a    b']);
  expect(fold({ columns: 20 }, ['x y '.repeat(20)])).toEqual(['x y '.repeat(20)]);
});

test('loses no word, and makes no line longer than its longest word asks for', () => {
  const words = fc.array(fc.constantFrom('a', 'word', '漢字', '`a b`', 'x'.repeat(50)), { maxLength: 30 });
  fc.assert(
    fc.property(words, fc.integer({ min: 20, max: 100 }), (all, columns) => {
      const lines = fold(terminal(columns), [all.join(' ')]);
      expect(lines.join(' ').split(/\s+/).join(' ')).toBe(all.join(' '));
      const room = Math.max(columns, ...all.map((word) => displayWidth(word) + 2));
      for (const line of lines) expect(displayWidth(line)).toBeLessThanOrEqual(room);
    }),
  );
});

test('keeps the line breaks that a text has', () => {
  const text = 'warning: a reason that is long:\n  - Task 1 is left out.\n  - Task 2 is left out.';
  expect(fold({ isTTY: true, columns: 24 }, [text])).toEqual([
    'warning: a reason that',
    '  is long:',
    '  - Task 1 is left out.',
    '  - Task 2 is left out.',
  ]);
});
