import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  displayWidth,
  fit,
  neutralise,
  truncate,
  truncatePath,
  truncateWords,
  wrap,
} from '../../../../src/domain/text/display-text.ts';
import { cases } from '../../../rig/effort.ts';

const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.string({ unit: 'grapheme', maxLength: 60 }),
  fc
    .array(
      fc.constantFrom(
        '\x1b[31m',
        '\x1b]0;x\x07',
        '\x9b2J',
        '\ud800',
        '日',
        'é',
        '👨‍👩‍👧',
        '\u0301',
        'a',
        ' ',
        '\n',
      ),
    )
    .map((parts) => parts.join('')),
);

describe('displayWidth', () => {
  test.each([
    ['', 0],
    ['abc', 3],
    ['日本語', 6],
    ['한국어', 6],
    ['ｆｕｌｌ', 8],
    ['e\u0301', 1],
    ['👍', 2],
    ['👍🏽', 2],
    ['👨‍👩‍👧‍👦', 2],
    ['🇯🇵', 2],
    ['1️⃣', 2],
    ['❤️', 2],
    ['مرحبا', 5],
    ['…·━✖', 4],
    ['\x1b[31mred\x1b[39m', 3],
    ['日\x1b[1m本\x1b[22m', 4],
  ])('%j takes %i cells', (text, cells) => {
    expect(displayWidth(text)).toBe(cells);
  });

  test('plain ASCII with styles is as wide as without', () => {
    expect(displayWidth('\x1b[1mbold\x1b[22m text')).toBe(9);
  });
});

describe('neutralise', () => {
  test.each([
    ['plain', 'plain'],
    ['\x1b[2J\x1b[1;31mred\x1b[0m', 'red'],
    ['a\x1b]0;title\x07b', 'ab'],
    ['a\x1b]8;;http://x\x1b\\b', 'ab'],
    ['a\x9b31mb', 'ab'],
    ['two\nlines\r\n and\ttabs', 'two lines and tabs'],
    ['a\x00\x07\x08\x7fb', 'ab'],
    ['pay\u202egnp.exe', 'paygnp.exe'],
    ['\u2066hidden\u2069\u200b', 'hidden'],
    ['lone \ud83d half', 'lone \ufffd half'],
    ['👨‍👩‍👧‍👦', '👨‍👩‍👧‍👦'],
    [`a${'\u0301'.repeat(500)}b`, `a${'\u0301'.repeat(11)}b`],
  ])('%j becomes %j', (text, clean) => {
    expect(neutralise(text)).toBe(clean);
  });

  test('leaves nothing that controls a terminal, and changes nothing the second time', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const clean = neutralise(text);
        expect(clean).not.toMatch(/[\p{Cc}\p{Surrogate}\u202a-\u202e\u2066-\u2069\u2028\u2029]/u);
        expect(neutralise(clean)).toBe(clean);
      }),
      { numRuns: cases(3000) },
    );
  });
});

describe('truncate and fit', () => {
  test.each([
    ['abcdef', 6, 'abcdef'],
    ['abcdef', 5, 'abcd…'],
    ['日本語', 6, '日本語'],
    ['日本語', 5, '日本…'],
    ['日本語', 4, '日…'],
    ['👨‍👩‍👧‍👦👨‍👩‍👧‍👦', 3, '👨‍👩‍👧‍👦…'],
    ['e\u0301e\u0301e\u0301', 2, 'e\u0301…'],
    ['abc', 1, '…'],
    ['abc', 0, ''],
  ])('%j in %i cells is %j', (text, columns, expected) => {
    expect(truncate(text, columns)).toBe(expected);
  });

  test('never wider than asked, whole where it fits, always a beginning of the text', () => {
    fc.assert(
      fc.property(anyText, fc.nat({ max: 70 }), (raw, columns) => {
        const text = neutralise(raw);
        const cut = truncate(text, columns);
        expect(displayWidth(cut)).toBeLessThanOrEqual(columns);
        if (displayWidth(text) <= columns && columns > 0) expect(cut).toBe(text);
        else expect(text.startsWith(cut.replace(/…$/, ''))).toBe(true);
      }),
      { numRuns: cases(3000) },
    );
  });

  test('fit fills exactly, on either side', () => {
    expect(fit('日本語', 5)).toBe('日本…');
    expect(fit('日本語', 4)).toBe('日… ');
    expect(fit('7', 3, 'right')).toBe('  7');
    fc.assert(
      fc.property(anyText, fc.nat({ max: 70 }), (text, columns) => {
        expect(displayWidth(fit(neutralise(text), columns))).toBe(columns);
      }),
      { numRuns: cases(2000) },
    );
  });
});

describe('wrap', () => {
  test('breaks between words, and inside one only where it is longer than a line', () => {
    expect(wrap('one two three', 7)).toEqual(['one two', 'three']);
    expect(wrap('abcdefgh ij', 3)).toEqual(['abc', 'def', 'gh', 'ij']);
    expect(wrap('日本語 です', 4)).toEqual(['日本', '語', 'です']);
    expect(wrap('', 10)).toEqual(['']);
  });

  test('loses nothing and is never too wide', () => {
    fc.assert(
      fc.property(anyText, fc.integer({ min: 24, max: 60 }), (raw, columns) => {
        const text = neutralise(raw);
        const lines = wrap(text, columns);
        for (const line of lines) expect(displayWidth(line)).toBeLessThanOrEqual(columns);
        expect(lines.join('').replaceAll(' ', '')).toBe(text.replaceAll(' ', ''));
      }),
      { numRuns: cases(2000) },
    );
  });
});

test.each([
  ['Add the login form', 18, 'Add the login form'],
  ['Add the login form', 16, 'Add the login…'],
  ['Add the login form', 5, 'Add…'],
  ['Internationalisation', 8, 'Interna…'],
  ['A internationalisation', 8, 'A inter…'],
])('%s is cut at words to %i cells', (text, columns, expected) => {
  expect(truncateWords(text, columns)).toBe(expected);
});

test.each([
  ['Write src/components/part.ts', 28, 'Write src/components/part.ts'],
  ['Write src/components/part.ts', 25, 'Write …/part.ts'],
  ['Write src/components/part.ts', 27, 'Write …/components/part.ts'],
  ['Write src/components/part.ts', 14, 'Write part.ts'],
  ['Write src/components/part.ts', 10, 'Write par…'],
  ['Read docs/日本/ログイン.md', 19, 'Read …/ログイン.md'],
  ['Bash cat src/components/part.ts', 20, 'Bash cat src/compon…'],
  ['thinking about it', 9, 'thinking…'],
])('%s is cut to %i cells, and keeps the name of a file', (text, columns, expected) => {
  expect(truncatePath(text, columns)).toBe(expected);
});
