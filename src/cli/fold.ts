import { displayWidth } from '../domain/text/display-text.ts';
import type { Output } from './cli.ts';

/**
 * Breaks lines between words to the width of a terminal, and indents continued lines by `hang`. A command in backticks
 * stays whole, so that it can be copied; a line break in a text stays too. Without a terminal nothing is broken.
 */
export function fold(
  stream: Pick<Output, 'isTTY' | 'columns'>,
  lines: readonly string[],
  hang = 2,
): string[] {
  const { columns = 0 } = stream;
  return stream.isTTY === true && columns > 0
    ? lines.flatMap((text) => text.split('\n')).flatMap((line) => foldLine(line, columns, hang))
    : [...lines];
}

function foldLine(line: string, columns: number, hang: number): string[] {
  if (displayWidth(line) <= columns) return [line];
  const folded: string[] = [];
  let current = '';
  for (const [, gap = '', word = ''] of line.matchAll(/(\s*)((?:`[^`]*`|\S)+)/g)) {
    if (current.trim() !== '' && displayWidth(current + gap + word) > columns) {
      folded.push(current);
      current = ' '.repeat(Math.min(hang, columns >> 1)) + word;
    } else current += gap + word;
  }
  return [...folded, current];
}
