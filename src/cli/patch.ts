import type { PatchForm } from '../app/contract/patch.ts';
import type { PatchStream } from '../app/repository/patch.ts';
import { LineSplitter, type SplitLine } from '../domain/text/line-splitter.ts';
import { printable } from '../domain/text/printable.ts';
import { styles, type Styles } from '../domain/text/styles.ts';
import type { Cli } from './cli.ts';
import type { CommonOptions } from './command.ts';
import { PacedOutput } from './paced-output.ts';
import { useColor } from './print.ts';

/**
 * Prints a patch; says whether it holds anything. A pipe gets every byte as git has it, so that `git apply` takes it, and
 * so also what looks like a secret. A terminal gets nothing that could move its cursor.
 */
export async function printPatch(
  cli: Cli,
  patch: PatchStream,
  options: CommonOptions & PatchForm,
): Promise<boolean> {
  const output = new PacedOutput(cli.stdout);
  const isTerminal = cli.stdout.isTTY === true;
  const style = styles(useColor(cli, options));
  const isPlain = !isTerminal && style.bold('x') === 'x';
  const painter = new PatchPainter(style, isTerminal, options);
  try {
    const isThere = await patch(
      (chunk) => output.write(isPlain ? chunk : painter.paint(Buffer.from(chunk))),
      { columns: (isTerminal ? cli.stdout.columns : undefined) ?? 80, signal: output.gone },
    );
    await output.write(painter.end());
    return isThere;
  } finally {
    output.release();
  }
}

/** Paints the lines of a patch. */
class PatchPainter {
  readonly #isTerminal: boolean;
  readonly #isPatch: boolean;
  readonly #style: Styles;
  readonly #splitter: LineSplitter;
  #lines: string[] = [];
  /** Within the lines of a file, where a line that begins with `---` is one that was removed. */
  #inHunk = false;

  constructor(style: Styles, isTerminal: boolean, { stat, nameOnly }: PatchForm) {
    this.#style = style;
    this.#isTerminal = isTerminal;
    this.#isPatch = stat !== true && nameOnly !== true;
    this.#splitter = new LineSplitter((line) => this.#lines.push(`${this.#line(line)}\n`));
  }

  paint(chunk: Buffer): string {
    this.#splitter.push(chunk);
    return this.#taken();
  }

  end(): string {
    this.#splitter.end();
    return this.#taken();
  }

  #taken(): string {
    const text = this.#lines.join('');
    this.#lines = [];
    return text;
  }

  #line(line: SplitLine): string {
    if (line.kind === 'oversized') return this.#style.dim(`[a line of ${line.byteLength} bytes]`);
    const raw = line.bytes.toString('utf8');
    const text = this.#isTerminal ? printable(raw) : raw;
    return this.#isPatch ? this.#patchLine(text) : text;
  }

  #patchLine(text: string): string {
    const { bold, cyan, green, red } = this.#style;
    if (text.startsWith('diff ')) this.#inHunk = false;
    else if (text.startsWith('@@')) this.#inHunk = true;
    if (text.startsWith('@@')) return cyan(text);
    if (!this.#inHunk) return bold(text);
    if (text.startsWith('+')) return green(text);
    return text.startsWith('-') ? red(text) : text;
  }
}
