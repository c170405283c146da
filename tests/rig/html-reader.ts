/** What a document is made of. */
export interface ReadHtml {
  /** Every tag as it stands, in order; those of closing elements too. */
  readonly tags: readonly string[];
  /** What stands between tags, decoded, in order; that of `<style>` is left out. */
  readonly texts: readonly string[];
}

const VOID = new Set(['meta', 'br', 'link', 'img', 'input', 'hr']);
const TAG = /^<(\/?)([a-z][a-z0-9]*)((?:\s+[a-zA-Z-]+(?:="[^"<>]*")?)*)\s*(\/?)>/;

/**
 * Reads a document as strictly as ours are written: every tag well formed, attributes in double quotes, every element
 * closed where it was opened. Throws where anything else is found.
 */
export function readHtml(document: string): ReadHtml {
  const doctype = '<!doctype html>';
  if (!document.startsWith(doctype)) throw new Error('There is no doctype.');
  const tags: string[] = [];
  const texts: string[] = [];
  const open: string[] = [];
  let rest = document.slice(doctype.length);
  while (rest !== '') {
    const at = rest.indexOf('<');
    const text = at === -1 ? rest : rest.slice(0, at);
    if (text.trim() !== '') texts.push(decode(text));
    rest = rest.slice(text.length);
    if (rest === '') break;
    const tag = TAG.exec(rest);
    if (tag === null) throw new Error(`No tag of ours: ${rest.slice(0, 80)}`);
    const [whole, closing = '', name = '', , selfClosing = ''] = tag;
    tags.push(whole.replace(/\s+/g, ' '));
    rest = rest.slice(whole.length);
    if (name === 'style' && closing === '') {
      const end = rest.indexOf('</style>');
      rest = rest.slice(end + '</style>'.length);
    } else if (closing !== '') {
      const last = open.pop();
      if (last !== name) throw new Error(`</${name}> closes <${last ?? 'nothing'}>.`);
    } else if (selfClosing === '' && !VOID.has(name)) open.push(name);
  }
  if (open.length > 0) throw new Error(`Not closed: ${open.join(', ')}`);
  return { tags, texts };
}

function decode(text: string): string {
  if (/&(?!(?:amp|lt|gt|#\d+);)/.test(text)) throw new Error(`A bare ampersand: ${text.slice(0, 80)}`);
  return text
    .replace(/&#(\d+);/g, (_, code: string) => String.fromCodePoint(Number(code)))
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');
}
