import { useColor } from './print.ts';
import { styles, type Styles } from '../domain/text/styles.ts';
import { printable } from '../domain/text/printable.ts';
import { LineSplitter, type SplitLine } from '../domain/text/line-splitter.ts';
import type { Git } from '../workspace/git/git.ts';
import type { Cli } from './cli.ts';
import { type CommonOptions } from './command.ts';
import { PacedOutput } from './paced-output.ts';

/** How a difference is told: as a patch, by lines a file, or by names alone. */
export interface PatchOptions extends CommonOptions {
  readonly stat?: boolean;
  readonly nameOnly?: boolean;
}

/**
 * Prints what changed between two commits or trees; says whether there was anything. A pipe gets every byte as git has
 * it, so that `git apply` takes it, and so also what looks like a secret; a terminal gets nothing that could move its cursor.
 */
export async function printPatch(
  cli: Cli,
  git: Git,
  range: { readonly from: string; readonly to: string },
  options: PatchOptions,
): Promise<boolean> {
  const output = new PacedOutput(cli.stdout);
  const style = styles(useColor(cli, options));
  const isTerminal = cli.stdout.isTTY === true;
  let isEmpty = true;
  const painter = new Painter(style, isTerminal, options);
  try {
    const args = [
      'diff',
      ...formOf(options, isTerminal ? (cli.stdout.columns ?? 80) : 80),
      range.from,
      range.to,
      '--',
    ];
    await git.stream(
      args,
      async (chunk) => {
        isEmpty = false;
        await output.write(painter.isPlain ? Buffer.from(chunk) : painter.paint(Buffer.from(chunk)));
      },
      output.gone,
    );
    await output.write(painter.end());
  } finally {
    output.release();
  }
  return !isEmpty;
}

/** The flags of `git diff` for it. */
export function formOf({ stat, nameOnly }: PatchOptions, columns: number): string[] {
  const form =
    nameOnly === true ? ['--name-only'] : stat === true ? [`--stat=${columns}`] : ['--patch', '--binary'];
  return [...form, '--no-color', '--no-ext-diff', '--no-relative'];
}

/** Paints the lines of a patch; nothing is painted, and nothing changed, where nobody looks. */
class Painter {
  readonly isPlain: boolean;
  readonly #isTerminal: boolean;
  readonly #isPatch: boolean;
  readonly #style: Styles;
  readonly #splitter: LineSplitter;
  #lines: string[] = [];
  /** Within the lines of a file, where a line that begins with `---` is one that was removed. */
  #inHunk = false;

  constructor(style: Styles, isTerminal: boolean, options: PatchOptions) {
    this.#style = style;
    this.#isTerminal = isTerminal;
    this.#isPatch = options.stat !== true && options.nameOnly !== true;
    this.isPlain = !isTerminal && style.bold('x') === 'x';
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
