import { displayWidth } from '../../domain/text/display-text.ts';
import type { Output } from './output.ts';

/**
 * The cursor is hidden only while a frame is written, so that it is visible again however the process ends or is
 * suspended. Automatic wrapping is off meanwhile: a terminal that takes a character to be wider than we do then cuts
 * that line and does not move the others.
 */
const BEGIN = '\x1b[?25l\x1b[?7l';
const FINISH = '\x1b[?7h\x1b[?25h';
const WRAP = '\x1b[?7h';
const NO_WRAP = '\x1b[?7l';
/** Clears only below what was written: tmux, when asked to clear the whole screen, keeps a copy in its history. */
const CLEAR_BELOW = '\x1b[J';
const CLEAR_RIGHT = '\x1b[K';

/** Keeps a block of lines at the end of a terminal up to date, and prints finished lines above the block. */
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

  /** Prints `above` for good, then replaces the block below it. Writes only the lines that differ. */
  paint(block: readonly string[], above: readonly string[] = []): void {
    const { columns, rows } = this.#output;
    // A screen that has shrunk has moved or broken its lines, so no line is where it was.
    const hasShrunk = columns < this.#columns || rows < this.#rows;
    const isRedrawn = hasShrunk || above.length > 0 || this.#shown.length === 0;
    if (!isRedrawn && isSame(block, this.#shown)) return;

    let text = BEGIN + this.#moveToStart();
    // Lines that stay may wrap, so that no text is lost.
    if (above.length > 0) text += WRAP + above.map(terminated).join('') + NO_WRAP;
    for (const [index, line] of block.entries()) {
      const isKept = !isRedrawn && this.#shown[index] === line;
      text += isKept ? '\n' : terminated(line);
    }
    if (isRedrawn || this.#shown.length > block.length) text += CLEAR_BELOW;
    this.#output.write(text + FINISH);
    this.#shown = block;
    this.#columns = columns;
    this.#rows = rows;
  }

  /** Prints `above`, then leaves `last` in place of the block. */
  end(last: readonly string[], above: readonly string[]): void {
    const lines = [...above, ...last].map(terminated).join('');
    const clear = lines === '' && this.#shown.length === 0 ? '' : CLEAR_BELOW;
    this.#output.write(`${this.#moveToStart()}${lines}${clear}${FINISH}`);
    this.#shown = [];
  }

  /** A terminal that has become narrower has broken the block's lines, so the block is higher than it was written. */
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

/** The line, with everything cleared that was to its right before. */
function terminated(line: string): string {
  return `${line}${CLEAR_RIGHT}\n`;
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((line, index) => line === b[index]);
}
