import { displayWidth } from '../../domain/text/display-text.ts';
import type { Output } from './output.ts';

/**
 * The cursor is hidden only while a frame is written, so that whatever ends or suspends the process leaves it visible.
 * Without automatic wrapping a terminal that takes a character for wider than we do cuts the line, and only that.
 */
const BEGIN = '\x1b[?25l\x1b[?7l';
const FINISH = '\x1b[?7h\x1b[?25h';
const WRAP = '\x1b[?7h';
const NO_WRAP = '\x1b[?7l';
/** Only below what was written: a tmux that is asked to clear all of its screen keeps a copy of it in its history. */
const CLEAR_BELOW = '\x1b[J';
const CLEAR_RIGHT = '\x1b[K';

/** Keeps a block of lines at the end of a terminal up to date, and prints finished lines above it. */
export class Painter {
  readonly #output: Output;
  #shown: readonly string[] = [];
  #columns: number;
  #rows: number;

  constructor(output: Output) {
    this.#output = output;
    this.#columns = output.columns;
    this.#rows = output.rows;
  }

  /** Replaces the block, after printing `above` before it for good; writes only the lines that differ. */
  paint(block: readonly string[], above: readonly string[] = []): void {
    const { columns, rows } = this.#output;
    // A screen that has shrunk has moved or broken the lines, so none of them is where it was.
    const hasShrunk = columns < this.#columns || rows < this.#rows;
    const isRedrawn = hasShrunk || above.length > 0 || this.#shown.length === 0;
    if (!isRedrawn && isSame(block, this.#shown)) return;

    let text = BEGIN + this.#moveToStart();
    // The terminal may wrap what stays, so that none of it is lost.
    if (above.length > 0) text += WRAP + above.map(ended).join('') + NO_WRAP;
    for (const [index, line] of block.entries()) {
      const isKept = !isRedrawn && this.#shown[index] === line;
      text += isKept ? '\n' : ended(line);
    }
    if (isRedrawn || this.#shown.length > block.length) text += CLEAR_BELOW;
    this.#output.write(text + FINISH);
    this.#shown = block;
    this.#columns = columns;
    this.#rows = rows;
  }

  /** Prints `above`, then leaves `last` in the place of the block. */
  end(last: readonly string[], above: readonly string[]): void {
    const lines = [...above, ...last].map(ended).join('');
    const clear = lines === '' && this.#shown.length === 0 ? '' : CLEAR_BELOW;
    this.#output.write(`${this.#moveToStart()}${lines}${clear}${FINISH}`);
    this.#shown = [];
  }

  /** A narrowed terminal has broken the lines that were on it, so the block is higher than what was written. */
  #moveToStart(): string {
    const { columns, rows } = this.#output;
    const height = this.#shown.reduce(
      (sum, line) => sum + Math.max(1, Math.ceil(displayWidth(line) / columns)),
      0,
    );
    const up = Math.min(height, rows - 1);
    return up === 0 ? '\r' : `\r\x1b[${up}A`;
  }
}

/** The line with nothing left to its right of what stood there before. */
function ended(line: string): string {
  return `${line}${CLEAR_RIGHT}\n`;
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((line, index) => line === b[index]);
}
