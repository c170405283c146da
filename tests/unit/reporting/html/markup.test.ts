import fc from 'fast-check';
import { expect, test } from 'vitest';
import { neutralise } from '../../../../src/domain/text/display-text.ts';
import { html, renderMarkup } from '../../../../src/reporting/html/markup.ts';
import { sentence, shorten } from '../../../../src/reporting/html/words.ts';
import { readHtml } from '../../../rig/html-reader.ts';
import { cases } from '../../../rig/effort.ts';

const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({
    unit: fc.constantFrom('<', '>', '"', "'", '`', '&', ';', '/', '=', ' ', '\n', '#', 'a', '-', '!'),
  }),
);

test('no text breaks out of its element or attribute, and each is read again as it was', () => {
  fc.assert(
    fc.property(text, text, (content, attribute) => {
      const page = html`<!doctype html>
        <p title="${attribute}" class="c">${content}</p>`;
      const { tags, texts } = readHtml(renderMarkup(page));
      expect(tags).toHaveLength(2);
      expect(tags[0]).toMatch(/^<p title="[^"]*" class="c">$/);
      expect(tags[1]).toBe('</p>');
      const read = texts.join('').split('\n').map(neutralise);
      expect(read.join('')).toBe(content.split('\n').map(neutralise).join(''));
    }),
    { numRuns: cases(5000) },
  );
});

test('indentation and line breaks of a text stay, those of templates are thrown out', () => {
  const page = renderMarkup(
    html`<pre>${'a\n   b\n\tc'}</pre>
      <p>${1}${[html`<b>x</b>`]}</p>`,
  );
  expect(page).toBe('<pre>a\n   b\n\tc</pre>\n<p>1<b>x</b></p>');
});

test('a sentence has its commands as code, and keeps a backtick that has no partner', () => {
  expect(renderMarkup(sentence('Look with `diff <x>`, then `run` again.'))).toBe(
    'Look with <code>diff &lt;x&gt;</code>, then <code>run</code> again.',
  );
  expect(renderMarkup(sentence('5` is not `code` here'))).toBe('5<code> is not </code>code&#96; here');
});

test('a long text keeps its beginning and its end, and says how much is left out', () => {
  expect(shorten('abc', 3)).toBe('abc');
  expect(shorten('0123456789', 6)).toBe('01\n… 4 characters left out …\n6789');
  fc.assert(
    fc.property(fc.string(), fc.integer({ min: 1, max: 50 }), (long, most) => {
      const short = shorten(long, most);
      if (long.length <= most) expect(short).toBe(long);
      else {
        const [head = '', , ...tail] = short.split(/\n(… \d+ characters left out …)\n/);
        expect(head.length + tail.join('').length).toBe(most);
        expect(long.startsWith(head) && long.endsWith(tail.join(''))).toBe(true);
      }
    }),
    { numRuns: cases(5000) },
  );
});
