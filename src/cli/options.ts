import { Option, type Command } from 'commander';
import type { Cli, Output } from './cli.ts';

/** The options that every command takes, before or after its name. None has a default: the configuration has them. */
export interface CommonOptions {
  readonly config?: string;
  readonly workingDir?: string;
  readonly tag?: string;
  readonly json?: boolean;
  readonly verbose?: boolean;
  readonly quiet?: boolean;
  /** False for `--no-color`. */
  readonly color?: boolean;
}

/** Options of the program that take a value, so that the command's name can be told from it. */
export const VALUE_OPTIONS: ReadonlySet<string> = new Set(['--config', '--working-dir', '-d', '--tag']);

/** Adds the common options to the program. */
export function addCommonOptions(program: Command): Command {
  return program
    .addOption(
      new Option('--config <file>', 'configuration file (default: orchestrator_config.json, found upwards)'),
    )
    .addOption(new Option('-d, --working-dir <dir>', 'work as if started in this directory'))
    .addOption(new Option('--tag <name>', 'task list to use (default: master)'))
    .addOption(new Option('--json', 'print JSON, in the documented shapes'))
    .addOption(new Option('-v, --verbose', 'print more'))
    .addOption(new Option('-q, --quiet', 'print only results and errors'))
    .addOption(new Option('--no-color', 'no colours (NO_COLOR works too)'));
}

/** Whether to colour what goes to `stream`. */
export function useColor(cli: Cli, options: CommonOptions, stream: Output = cli.stdout): boolean {
  if (options.color === false || options.json === true) return false;
  if (cli.env['NO_COLOR'] !== undefined && cli.env['NO_COLOR'] !== '') return false;
  const forced = cli.env['FORCE_COLOR'];
  if (forced !== undefined && forced !== '' && forced !== '0') return true;
  return stream.isTTY === true && cli.env['TERM'] !== 'dumb';
}

/** Prints a JSON document, one line if stdout is a pipe, else indented. */
export function printJson(cli: Cli, value: unknown): void {
  cli.stdout.write(`${JSON.stringify(value, null, cli.stdout.isTTY === true ? 2 : undefined)}\n`);
}

/** Gives a command its action: `run` gets the arguments and all options, and may return an exit code. */
// The options that a command was given have the type that it declares.
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters
export function onRun<O extends CommonOptions>(
  command: Command,
  cli: Cli,
  run: (options: O, args: readonly string[]) => Promise<number | undefined> | number | undefined,
): Command {
  return command.action(async () => {
    const code = await run(command.optsWithGlobals<O>(), command.args);
    if (code !== undefined) cli.exitCode = code;
  });
}
