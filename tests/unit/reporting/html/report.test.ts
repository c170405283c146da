import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { neutralise } from '../../../../src/domain/text/display-text.ts';
import { PALETTE } from '../../../../src/reporting/html/palette.ts';
import { renderReport } from '../../../../src/reporting/html/render-report.ts';
import { reportOf } from '../../../../src/reporting/html/report-model.ts';
import { readHtml } from '../../../rig/html-reader.ts';
import { recordedNight, type NightShape } from '../../../rig/recorded-night.ts';
import { cases } from '../../../rig/effort.ts';

const render = (shape: NightShape, timeZone = 'Europe/Berlin'): string =>
  renderReport(reportOf(recordedNight(shape)), timeZone);

/** What people and models have tried to break out of a page with. */
const hostile = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '<script>alert(1)</script>',
        '</title>',
        '</style>',
        '</svg>',
        '-->',
        '<!--',
        ']]>',
        '"',
        "'",
        '" onload="alert(1)',
        '&lt;b&gt;',
        '&#60;',
        '&',
        '<',
        '>',
        '\\',
        '${1}',
        '\u202e',
        '\u0000',
        '\ud800',
        '\u2028',
        '\r\n',
      ),
      fc.string({ unit: 'binary', maxLength: 8 }),
    ),
    { maxLength: 6 },
  )
  // A title of nothing but blanks is refused by the store; what is between backticks becomes code.
  .map((pieces) => `x${pieces.join('')}`.replaceAll('`', ''));

const SMALL = { tasks: 9, workers: 3, seed: 5, failing: 0.6 };

describe('a report as a document', () => {
  const plain = readHtml(render({ ...SMALL, text: () => 'x' }));

  test('has the same elements and attributes whatever the texts in it say', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const { tags } = readHtml(render({ ...SMALL, text: () => text }));
        expect(tags).toEqual(plain.tags);
      }),
      { numRuns: cases(100) },
    );
  });

  test('says what the texts say', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const shown = neutralise(text.split('\n', 1)[0] ?? '');
        const { texts } = readHtml(render({ ...SMALL, text: () => text }));
        expect(texts.some((each) => each.includes(shown))).toBe(true);
      }),
      { numRuns: cases(50) },
    );
  });

  test('shows every part of a night', () => {
    const { tags, texts } = readHtml(render({ tasks: 40, workers: 4, seed: 2, failing: 0.5 }));
    for (const id of ['timeline', 'failures', 'graph', 'tasks', 'costs', 'left', 'warnings'])
      expect(tags).toContain(`<section id="${id}">`);
    const all = texts.join('\n');
    expect(all).toContain('git merge --ff-only orchestrator/integration/main');
    expect(all).toContain('The list is read twice');
    expect(all).toContain('81 % of the five_hour window of the Claude subscription was used.');
    expect(all).toContain('paused: usage limit');
  });

  test('is the same text for the same run, in the time of the given zone', () => {
    const shape = { tasks: 30, workers: 4, seed: 9 };
    expect(render(shape)).toBe(render(shape));
    expect(render(shape, 'UTC')).toContain('Tue 3 Mar 2026, 21:40');
    expect(render(shape, 'Asia/Kolkata')).toContain('Wed 4 Mar 2026, 03:10');
    expect(render(shape, 'Nowhere/Atall')).toBe(render(shape, 'UTC'));
  });

  test('loads nothing and runs nothing', () => {
    const document = render({ tasks: 40, workers: 4, seed: 2 });
    expect(document).not.toMatch(/<script|<link|<img|<iframe|src=|href=|url\(|@import|https?:/);
    expect(document).toContain(`content="default-src 'none'; style-src 'unsafe-inline'"`);
  });

  test.each([
    ['as people write them', 1, (what: string) => what],
    ['long, and nothing but what has to be escaped', 2, () => '"<&>'.repeat(5000)],
    ['long, and of emoji', 2, () => '👩‍🔧'.repeat(4000)],
  ])('stays small with 500 tasks whose texts are %s', (_, megabytes, text) => {
    const document = render({ tasks: 500, workers: 8, seed: 3, failing: 0.3, text });
    expect(Buffer.byteLength(document)).toBeLessThan(megabytes * 1_000_000);
  });

  test('can be empty', () => {
    const source = recordedNight({ tasks: 3, workers: 1, seed: 1 });
    const nothing = reportOf({ ...source, attempts: [], tasks: [], usage: [], events: [], sizes: new Map() });
    const { tags } = readHtml(renderReport(nothing, 'UTC'));
    expect(tags.filter((tag) => tag.startsWith('<section'))).toEqual([
      '<section aria-label="Figures" class="tiles">',
    ]);
  });

  test('says of a run without an end that it has none', () => {
    const source = recordedNight({ tasks: 5, workers: 2, seed: 1 });
    const run = { ...source.run, endedAt: null, outcome: null };
    const document = renderReport(reportOf({ ...source, run }), 'UTC');
    expect(document).toContain('The run had not ended when this was written.');
  });

  test('gives every table a header, and every drawing a name', () => {
    const { tags } = readHtml(render({ tasks: 40, workers: 4, seed: 2, failing: 0.5 }));
    const count = (pattern: RegExp): number => tags.filter((tag) => pattern.test(tag)).length;
    expect(count(/^<table/)).toBeGreaterThan(3);
    expect(count(/^<thead/)).toBe(count(/^<table/));
    expect(tags.filter((tag) => tag === '<th>')).toEqual([]);
    for (const tag of tags.filter((each) => each.startsWith('<svg')))
      expect(tag).toMatch(/role="img" aria-label="[^"]+"|aria-hidden="true"/);
  });
});

describe('the colours of a report', () => {
  const themes = PALETTE.parts
    .join('')
    .split(':root')
    .slice(1)
    .map(
      (block) =>
        new Map([...block.matchAll(/--([a-z]+): (#[0-9a-f]{6})/g)].map(([, name, hex]) => [name, hex])),
    );

  test.each([
    ['by day', 0],
    ['by night', 1],
    ['on paper', 2],
  ])('can be read %s', (_, index) => {
    const colour = (name: string): string => themes[index]?.get(name) ?? themes[0]?.get(name) ?? '';
    const texts = ['text', 'dim', 'done', 'failed', 'stopped', 'running', 'earlier'];
    for (const text of texts)
      for (const below of ['page', 'card'])
        expect(`${text} on ${below} ${contrast(colour(text), colour(below)) >= 4.5}`).toBe(
          `${text} on ${below} true`,
        );
    for (const below of ['done', 'failed', 'stopped', 'running'])
      expect(contrast(colour('on'), colour(below))).toBeGreaterThanOrEqual(4.5);
    for (const shape of ['preparing', 'working', 'verifying', 'reviewing', 'landing'])
      expect(contrast(colour(shape), colour('page'))).toBeGreaterThanOrEqual(3);
  });
});

/** By WCAG 2. */
function contrast(one: string, other: string): number {
  const [dark = 0, light = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

function luminance(hex: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const value = parseInt(hex.slice(at, at + 2), 16) / 255;
    return value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
