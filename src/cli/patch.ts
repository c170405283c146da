import type { PatchForm } from '../app/contract/patch.ts';
import type { PatchStream } from '../app/repository/patch.ts';
import { printable } from '../domain/text/printable.ts';
import { styles, type Styles } from '../domain/text/styles.ts';
import type { Cli } from './cli.ts';
import type { CommonOptions } from './command.ts';
import { LinePainter, PacedOutput } from './paced-output.ts';
import { useColor } from './print.ts';

/**
 * Prints a patch; returns whether it holds anything. A pipe gets every byte as git has it, so that `git apply` accepts
 * it; this includes what looks like a secret. A terminal gets nothing that could move its cursor.
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
  const isPatch = options.stat !== true && options.nameOnly !== true;
  const paint = isPatch ? patchPainter(style) : (line: string) => line;
  const painter = new LinePainter((line) => paint(isTerminal ? printable(line) : line));
  try {
    const isThere = await patch((chunk) => output.write(isPlain ? chunk : painter.paint(chunk)), {
      columns: (isTerminal ? cli.stdout.columns : undefined) ?? 80,
      signal: output.gone,
    });
    await output.write(painter.end());
    return isThere;
  } finally {
    output.release();
  }
}

/** Paints the lines of a patch. */
function patchPainter({ bold, cyan, green, red }: Styles): (line: string) => string {
  /** Within the lines of a file, where a line that begins with `---` is one that was removed. */
  let inHunk = false;
  return (line) => {
    if (line.startsWith('diff ')) inHunk = false;
    else if (line.startsWith('@@')) inHunk = true;
    if (line.startsWith('@@')) return cyan(line);
    if (!inHunk) return bold(line);
    if (line.startsWith('+')) return green(line);
    return line.startsWith('-') ? red(line) : line;
  };
}
