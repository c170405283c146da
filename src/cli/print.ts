import { chooseColor, styles, type Styles } from '../domain/text/styles.ts';
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

/** How a report looks for people. */
export interface Layout {
  readonly style: Styles;
  /** Cells of a line. */
  readonly width: number;
}

/** Prints a report: with --json as JSON, otherwise as the lines that `describe` makes of it. */
export function printReport<R>(
  cli: Cli,
  options: CommonOptions,
  report: R,
  describe: (report: R, layout: Layout) => readonly string[],
): void {
  if (options.json === true) {
    printJson(cli, report);
    return;
  }
  const lines = describe(report, { style: styles(useColor(cli, options)), width: stdoutWidth(cli) });
  if (lines.length > 0) cli.stdout.write(`${lines.join('\n')}\n`);
}

/** Prints the report of a change. With --quiet, only JSON is printed. */
export function printChange<R>(
  cli: Cli,
  options: CommonOptions,
  report: R,
  describe: (report: R) => readonly string[],
): void {
  printReport(cli, options, report, options.quiet === true ? () => [] : describe);
}
