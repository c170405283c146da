import { chooseColor } from '../domain/text/styles.ts';
import type { Cli, Output } from './cli.ts';
import type { CommonOptions } from './command.ts';

/** Whether to colour what goes to `stream`. */
export function useColor(cli: Cli, options: CommonOptions, stream: Output = cli.stdout): boolean {
  const noColor = options.color === false || options.json === true;
  return chooseColor({ isTTY: stream.isTTY === true, noColor, env: cli.env });
}

/** Prints a JSON document, indented for a terminal, otherwise in one line. */
export function printJson(cli: Cli, value: unknown): void {
  cli.stdout.write(`${JSON.stringify(value, null, cli.stdout.isTTY === true ? 2 : undefined)}\n`);
}

/** The width of stdout in cells; 80 if it is not a terminal. */
export function stdoutWidth(cli: Cli): number {
  const { columns } = cli.stdout;
  return columns !== undefined && columns > 0 ? columns : 80;
}
