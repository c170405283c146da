import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { escapePrompt } from '../../../src/domain/prompt-escape.ts';
import { cases } from '../../rig/effort.ts';

/** The places where the CLI looks for a file to attach, and for a command to run. */
const ATTACHES = /(^|\s)@\S/;
const RUNS = /^\s*\/\S/;

const unescape = (text: string): string =>
  text.replace(/(^|\s)\\(\\*@)/g, '$1$2').replace(/^(\s*)\\(\\*\/)/, '$1$2');

const texts = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc
    .array(
      fc.constantFrom(
        '@',
        '/',
        '\\',
        ' ',
        '\n',
        '\t',
        '\u00a0',
        '\u3000',
        '\ufeff',
        '\u2028',
        '"',
        'a',
        '.ts',
      ),
    )
    .map((parts) => parts.join('')),
);

describe('escapePrompt', () => {
  test.each([
    ['see @src/a.ts', 'see \\@src/a.ts'],
    ['@src/a.ts', '\\@src/a.ts'],
    ['@"a b"', '\\@"a b"'],
    ['a\n@types/node\u3000@x', 'a\n\\@types/node\u3000\\@x'],
    ['/cost', '\\/cost'],
    [' \n/init now', ' \n\\/init now'],
    ['\\@a', '\\\\@a'],
    ['mail me@example.com, (see a/b and /c)', 'mail me@example.com, (see a/b and /c)'],
    ['', ''],
  ])('%j becomes %j', (text, escaped) => {
    expect(escapePrompt(text)).toBe(escaped);
  });

  test('no text keeps anything that the CLI expands or runs', () => {
    fc.assert(
      fc.property(texts, (text) => {
        const escaped = escapePrompt(text);
        expect(escaped).not.toMatch(ATTACHES);
        expect(escaped).not.toMatch(RUNS);
      }),
      { numRuns: cases(5_000) },
    );
  });

  test('only backslashes are added, and the original can be read back', () => {
    fc.assert(
      fc.property(texts, (text) => {
        expect(unescape(escapePrompt(text))).toBe(text);
      }),
      { numRuns: cases(5_000) },
    );
  });
});
