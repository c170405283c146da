import type { TerminalOutput } from './terminal.ts';
import { displayWidth } from '../../src/domain/text/display-text.ts';

/** Graphic rendition of one cell, as far as our output uses it. */
export interface CellStyle {
  readonly bold: boolean;
  readonly dim: boolean;
  /** SGR colour, 30–37 or 90–97; null for the default one. */
  readonly color: number | null;
}

/** One character cell; the second cell of a wide character is empty. */
export interface Cell {
  readonly text: string;
  readonly style: CellStyle;
}

const DEFAULT_STYLE: CellStyle = { bold: false, dim: false, color: null };

/** A small terminal: understands what our displays write, and refuses control sequences that it does not know. */
export class Screen {
  #columns: number;
  #rows: number;
  #lines: Cell[][] = [[]];
  readonly #scrolledOff: string[] = [];
  #row = 0;
  #column = 0;
  #style = DEFAULT_STYLE;
  #wraps = true;
  #pending = '';
  /** False while a program has hidden the cursor. */
  cursorVisible = true;
  /** How many characters were lost beyond the right edge because wrapping was off. */
  clipped = 0;

  constructor(columns: number, rows: number) {
    this.#columns = columns;
    this.#rows = rows;
  }

  /** Breaks lines that have become too long, as most terminals do. */
  resize(columns: number, rows: number): void {
    const before = this.#lines;
    this.#lines = [];
    for (const [index, line] of before.entries()) {
      if (index === this.#row) this.#row = this.#lines.length;
      for (let start = 0; start === 0 || start < line.length; start += columns) {
        this.#lines.push(line.slice(start, start + columns));
      }
    }
    this.#columns = columns;
    this.#rows = rows;
    while (this.#row >= rows) this.#scroll();
    this.#column = Math.min(this.#column, columns - 1);
  }

  get columns(): number {
    return this.#columns;
  }

  /** Whether text that reaches the right edge goes on in the next line, as programs expect of a terminal. */
  get isWrapping(): boolean {
    return this.#wraps;
  }

  write(text: string): void {
    const input = this.#pending + text;
    this.#pending = '';
    TOKENS.lastIndex = 0;
    for (let token = TOKENS.exec(input); token !== null; token = TOKENS.exec(input)) {
      const [whole, final] = token;
      if (whole.startsWith('\x1b')) {
        if (final === undefined) {
          this.#pending = whole;
          return;
        }
        this.#control(whole.slice(2, -1), final);
      } else if (whole === '\n') this.#newLine();
      else if (whole === '\r') this.#column = 0;
      else if (whole === '\b') this.#column = Math.max(0, this.#column - 1);
      else if (whole !== '\x07') this.#print(whole);
    }
  }

  /** What stands on the screen now, without trailing blanks. */
  lines(): string[] {
    return trimEmpty(this.#lines.map(textOf));
  }

  /** The cells of each line of the screen. */
  cells(): readonly (readonly Cell[])[] {
    return this.#lines;
  }

  /** What scrolled off the top, and then what stands on the screen. */
  history(): string[] {
    return [...this.#scrolledOff, ...this.lines()];
  }

  #print(text: string): void {
    for (const { segment } of SEGMENTER.segment(text)) {
      const width = displayWidth(segment);
      if (width === 0) continue;
      if (this.#column + width > this.#columns) {
        if (!this.#wraps) {
          this.clipped += width;
          continue;
        }
        this.#column = 0;
        this.#newLine();
      }
      const line = this.#line();
      while (line.length < this.#column) line.push({ text: ' ', style: DEFAULT_STYLE });
      line[this.#column] = { text: segment, style: this.#style };
      if (width === 2) line[this.#column + 1] = { text: '', style: this.#style };
      this.#column += width;
    }
  }

  #control(parameters: string, final: string): void {
    const numbers = parameters.replace('?', '').split(';').map(Number);
    const [first = 0] = numbers;
    switch (final) {
      case 'm':
        for (const code of numbers) this.#style = restyle(this.#style, code);
        break;
      case 'A':
        this.#row = Math.max(0, this.#row - Math.max(1, first));
        break;
      case 'G':
        this.#column = Math.max(0, first - 1);
        break;
      case 'H':
        this.#row = Math.min(this.#rows, Math.max(1, first)) - 1;
        this.#column = Math.max(1, numbers[1] ?? 1) - 1;
        break;
      case 'J':
        // As tmux does it: what is cleared as a whole is kept in the history.
        if (first === 0 && this.#row === 0 && this.#column === 0)
          this.#scrolledOff.push(...trimEmpty(this.#lines.map(textOf)));
        if (first === 2) this.#lines = [];
        else this.#lines.length = Math.min(this.#lines.length, this.#row + 1);
        if (first === 0) this.#line().length = Math.min(this.#line().length, this.#column);
        break;
      case 'K':
        this.#line().length = Math.min(this.#line().length, this.#column);
        break;
      case 'h':
      case 'l':
        if (first === 25) this.cursorVisible = final === 'h';
        else if (first === 7) this.#wraps = final === 'h';
        break;
      default:
        throw new Error(`The screen does not know ESC [ ${parameters} ${final}.`);
    }
  }

  #newLine(): void {
    this.#row++;
    if (this.#row >= this.#rows) this.#scroll();
    this.#line();
  }

  #scroll(): void {
    this.#scrolledOff.push(textOf(this.#lines.shift() ?? []));
    this.#row--;
  }

  #line(): Cell[] {
    while (this.#lines.length <= this.#row) this.#lines.push([]);
    return this.#lines[this.#row] ?? [];
  }
}

/** The screen after all that a program wrote to it and every change of its size. */
export function replay(outputs: readonly TerminalOutput[], columns: number, rows: number): Screen {
  const screen = new Screen(columns, rows);
  for (const { text, size } of outputs) {
    if (size !== undefined) screen.resize(...size);
    screen.write(text);
  }
  return screen;
}

const SEGMENTER = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** A control sequence (without a final character where the rest is still to come), a control character, or text. */
const TOKENS = /\x1b(?:\[[0-?]*[ -/]*([@-~])?)?|[\x00-\x1a\x1c-\x1f]|[^\x00-\x1f]+/g;

function restyle(style: CellStyle, code: number): CellStyle {
  if (code === 0) return DEFAULT_STYLE;
  if (code === 1) return { ...style, bold: true };
  if (code === 2) return { ...style, dim: true };
  if (code === 22) return { ...style, bold: false, dim: false };
  if (code === 39) return { ...style, color: null };
  if ((code >= 30 && code <= 37) || (code >= 90 && code <= 97)) return { ...style, color: code };
  return style;
}

function textOf(line: readonly Cell[]): string {
  return line
    .map((cell) => cell.text)
    .join('')
    .trimEnd();
}

function trimEmpty(lines: string[]): string[] {
  const last = lines.findLastIndex((line) => line !== '');
  return lines.slice(0, last + 1);
}
