import type { Frame } from './recording.ts';
import type { Cell, CellStyle } from '../tests/rig/screen.ts';

const CELL_WIDTH = 8.4;
const LINE_HEIGHT = 18;
const PADDING = 16;

const STYLE_SHEET = `text{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;fill:#d1d7e0;white-space:pre}
.b{font-weight:700}.d{opacity:.62}.c31{fill:#f47067}.c32{fill:#57ab5a}.c33{fill:#c69026}.c34{fill:#539bf5}.c35{fill:#b083f0}.c36{fill:#39c5cf}`;

/** A line that stayed the same from one moment to another. */
interface Stretch {
  readonly row: number;
  readonly markup: string;
  readonly from: number;
  to: number;
}

/** Draws frames as one SVG that plays them in a loop; where animation is off, the last frame is seen. */
export function drawSvg(
  frames: readonly Frame[],
  { columns, title }: { columns: number; title: string },
): string {
  const length = frames.reduce((sum, frame) => sum + frame.seconds, 0);
  const rows = Math.max(1, ...frames.map((frame) => frame.lines.length));
  const width = Math.ceil(columns * CELL_WIDTH + 2 * PADDING);
  const height = rows * LINE_HEIGHT + 2 * PADDING;
  const lines = stretchesOf(frames, rows).map((stretch) => drawStretch(stretch, length));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">`,
    `<title>${escape(title)}</title>`,
    `<style>${STYLE_SHEET}</style>`,
    `<rect width="${width}" height="${height}" rx="8" fill="#22272e"/>`,
    ...lines,
    '</svg>\n',
  ].join('\n');
}

/** What changes is one line at a time, so a line is written once for as long as it stays. */
function stretchesOf(frames: readonly Frame[], rows: number): Stretch[] {
  const finished: Stretch[] = [];
  for (let row = 0; row < rows; row++) {
    let current: Stretch | undefined;
    let now = 0;
    for (const frame of frames) {
      const markup = drawLine(frame.lines[row] ?? []);
      if (current?.markup === markup) current.to = now + frame.seconds;
      else {
        current = { row, markup, from: now, to: now + frame.seconds };
        finished.push(current);
      }
      now += frame.seconds;
    }
  }
  return finished.filter(({ markup }) => markup !== '');
}

function drawStretch({ row, markup, from, to }: Stretch, length: number): string {
  const y = PADDING + row * LINE_HEIGHT + 14;
  const isFirst = from === 0;
  const isLast = to >= length - 1e-6;
  const steps = [
    ...(isFirst ? [] : [['hidden', 0] as const]),
    ['visible', from / length] as const,
    ...(isLast ? [] : [['hidden', to / length] as const]),
  ];
  const animation =
    steps.length === 1
      ? ''
      : `<animate attributeName="visibility" calcMode="discrete" dur="${length.toFixed(2)}s" repeatCount="indefinite" values="${steps.map(([value]) => value).join(';')}" keyTimes="${steps.map(([, time]) => round(time)).join(';')}"/>`;
  return `<text y="${y}" visibility="${isLast ? 'visible' : 'hidden'}">${markup}${animation}</text>`;
}

/** One `tspan` for each stretch of a style, set to the width of its cells, whatever font there is. */
function drawLine(line: readonly Cell[]): string {
  let markup = '';
  for (let start = 0; start < line.length;) {
    let end = start + 1;
    while (end < line.length && isSame(line[start]?.style, line[end]?.style)) end++;
    const text = line
      .slice(start, end)
      .map((cell) => cell.text)
      .join('');
    if (text.trim() !== '') {
      const x = round(PADDING + start * CELL_WIDTH);
      const cells = `textLength="${round((end - start) * CELL_WIDTH)}" lengthAdjust="spacingAndGlyphs"`;
      markup += `<tspan x="${x}" ${cells}${classOf(line[start]?.style)}>${escape(text)}</tspan>`;
    }
    start = end;
  }
  return markup;
}

function classOf(style: CellStyle | undefined): string {
  const names = [
    style?.bold === true && 'b',
    style?.dim === true && 'd',
    style?.color != null && `c${style.color}`,
  ];
  const used = names.filter((name) => name !== false);
  return used.length === 0 ? '' : ` class="${used.join(' ')}"`;
}

function isSame(a: CellStyle | undefined, b: CellStyle | undefined): boolean {
  return a?.bold === b?.bold && a?.dim === b?.dim && a?.color === b?.color;
}

function round(value: number): string {
  return String(Number(value.toFixed(4)));
}

function escape(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
