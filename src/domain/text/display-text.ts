/**
 * Makes a text from outside safe to print on one line: removes all that could move the cursor, or colour, reorder or
 * hide text.
 */
export function neutralise(text: string): string {
  if (PLAIN.test(text)) return text.trim();
  const oneLine = text
    .replace(/\p{Surrogate}/gu, '\ufffd')
    .replace(ESCAPE_SEQUENCES, '')
    .replace(/\s+/gu, ' ')
    .replace(INVISIBLE_CONTROLS, '')
    .replace(/ {2,}/g, ' ')
    .trim();
  if (PLAIN.test(oneLine)) return oneLine;
  let clean = '';
  for (const { segment } of segmenter().segment(oneLine)) clean += withoutMarkPile(segment);
  return clean;
}

/** How many terminal cells a text takes. Styles take none; other control characters must have been removed before. */
export function displayWidth(text: string): number {
  if (PLAIN.test(text)) return text.length;
  let width = 0;
  for (const { segment } of segmenter().segment(text.replace(STYLES, ''))) width += clusterWidth(segment);
  return width;
}

/** The text if it fits into `columns` cells, else as much of it as fits with `…`. It never cuts a character in two. */
export function truncate(text: string, columns: number): string {
  if (columns <= 0) return '';
  if (PLAIN.test(text)) return text.length <= columns ? text : `${text.slice(0, columns - 1)}…`;
  let kept = '';
  let width = 0;
  let fits = '';
  for (const { segment } of segmenter().segment(text)) {
    width += clusterWidth(segment);
    if (width > columns) return `${fits}…`;
    kept += segment;
    if (width <= columns - 1) fits = kept;
  }
  return text;
}

/** Like `truncate`, but cuts between words if that keeps more than half. */
export function truncateWords(text: string, columns: number): string {
  const cut = truncate(text, columns);
  const end = cut.lastIndexOf(' ');
  return cut === text || end * 2 < cut.length ? cut : `${cut.slice(0, end)}…`;
}

/** Like `truncate`, but of a word and a path it keeps the end of the path, which has the name of the file. */
export function truncatePath(text: string, columns: number): string {
  const [, word = '', path = ''] = /^(\S+) (\S*\/\S+)$/.exec(text) ?? [];
  if (path === '' || displayWidth(text) <= columns) return truncate(text, columns);
  for (let at = path.indexOf('/'); at >= 0; at = path.indexOf('/', at + 1)) {
    const shown = `${word} …${path.slice(at)}`;
    if (displayWidth(shown) <= columns) return shown;
  }
  return truncate(`${word} ${path.slice(path.lastIndexOf('/') + 1)}`, columns);
}

/** Truncates a text or fills it with spaces, so that it takes exactly `columns` cells. */
export function fit(text: string, columns: number, align: 'left' | 'right' = 'left'): string {
  if (text.length <= columns && PLAIN.test(text))
    return align === 'left' ? text.padEnd(columns) : text.padStart(columns);
  const shown = truncate(text, columns);
  const padding = ' '.repeat(Math.max(0, columns - displayWidth(shown)));
  return align === 'left' ? shown + padding : padding + shown;
}

/** The first line of a message. The lines below are details, such as the output of a command. */
export function firstLine(message: string): string {
  return neutralise(message.split('\n', 1)[0] ?? '');
}

/** Breaks a text into lines of at most `columns` cells, between words if possible, and never inside a character. */
export function wrap(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (displayWidth(longer) <= columns) {
      line = longer;
      continue;
    }
    if (line !== '') lines.push(line);
    const pieces = breakWord(word, columns);
    line = pieces.pop() ?? '';
    lines.push(...pieces);
  }
  lines.push(line);
  return lines;
}

const PLAIN = /^[\x20-\x7e]*$/;

const STYLES = /\x1b\[[\d;]*m/g;

/** CSI, then OSC, DCS, SOS, PM and APC with their text, then the rest. */
const ESCAPE_SEQUENCES =
  /(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?|\x1b[ -/]*[0-~]?/g;

/** Control characters, bidirectional controls, and characters without width that belong to no other character. */
const INVISIBLE_CONTROLS =
  /[\p{Cc}\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{1d173}-\u{1d17a}]/gu;

/** The longest emoji sequences have ten code points. A longer cluster is a pile of marks that covers other lines. */
const MOST_CODE_POINTS = 12;

function withoutMarkPile(cluster: string): string {
  if (cluster.length <= MOST_CODE_POINTS) return cluster;
  return Array.from(cluster).slice(0, MOST_CODE_POINTS).join('');
}

let shared: Intl.Segmenter | undefined;

/** Made at first use, since most commands print nothing but ASCII. */
function segmenter(): Intl.Segmenter {
  shared ??= new Intl.Segmenter('en', { granularity: 'grapheme' });
  return shared;
}

/** Format characters take no cell, except the Arabic and Kaithi number signs. */
const ZERO_WIDTH =
  /^(?![\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\u{110bd}\u{110cd}])[\p{Mn}\p{Me}\p{Cf}\p{Cc}\u1160-\u11ff\ud7b0-\ud7ff]$/u;
const EMOJI = /^(?:\p{Emoji_Presentation}|\p{Emoji}\ufe0f|[#*\d]\ufe0f?\u20e3|\p{Regional_Indicator}{2})/u;

/** East Asian Wide and Fullwidth, from EastAsianWidth.txt. Emoji have a property of their own. */
const WIDE =
  /^[\u1100-\u115f\u2329\u232a\u2630-\u2637\u268a-\u268f\u2e80-\u303e\u3041-\u3247\u3250-\ua4c6\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6b\uff01-\uff60\uffe0-\uffe6\u{16fe0}-\u{16ff6}\u{17000}-\u{191ff}\u{1aff0}-\u{1b2fb}\u{1d300}-\u{1d376}\u{1f1ae}\u{1f200}-\u{1f265}\u{1f6d9}\u{1f7da}\u{1fa70}-\u{1faff}\u{20000}-\u{3fffd}]$/u;

/** The sum of the widths of a cluster's characters, which is what terminals use; an emoji sequence takes two cells. */
function clusterWidth(cluster: string): number {
  if (EMOJI.test(cluster)) return 2;
  let width = 0;
  for (const character of cluster) {
    if (ZERO_WIDTH.test(character)) continue;
    width += WIDE.test(character) || EMOJI.test(character) ? 2 : 1;
  }
  return width;
}

function breakWord(word: string, columns: number): string[] {
  if (displayWidth(word) <= columns) return [word];
  const pieces: string[] = [];
  let piece = '';
  let width = 0;
  for (const { segment } of segmenter().segment(word)) {
    const cells = clusterWidth(segment);
    if (width + cells > columns && piece !== '') {
      pieces.push(piece);
      piece = '';
      width = 0;
    }
    piece += segment;
    width += cells;
  }
  return [...pieces, piece];
}
