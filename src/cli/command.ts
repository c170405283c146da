import type { Command } from 'commander';
import type { ProjectRequest } from '../app/project/project.ts';
import type { Notice, Services } from '../app/services.ts';
import type { Cli, Output } from './cli.ts';
import { fold } from './fold.ts';
import { COMMON_OPTIONS } from './help.ts';

/** The options that every command takes, before or after its name. None has a default: the configuration has them. */
export interface CommonOptions extends ProjectRequest {
  readonly json?: boolean;
  readonly verbose?: boolean;
  readonly quiet?: boolean;
  /** False for `--no-color`. */
  readonly color?: boolean;
}

/** Adds the common options to a program. */
export function addCommonOptions(program: Command): Command {
  for (const [flags, meaning] of COMMON_OPTIONS) program.option(flags, meaning);
  return program;
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

/** What a command does with the options that it declares and its arguments; may return an exit code. */
type Action<O> = (options: O, args: readonly string[]) => Promise<number | undefined> | number | undefined;

/** Gives a command its action. */
export function onRun<O extends CommonOptions>(command: Command, cli: Cli, run: Action<O>): Command {
  return command.action(async () => {
    cli.tell = teller(cli, command.optsWithGlobals<O>());
    const code = await run(command.optsWithGlobals<O>(), command.args);
    if (code !== undefined) cli.exitCode = code;
  });
}

const PREFIXES: Readonly<Record<Notice['kind'], string>> = {
  warning: 'warning: ',
  configuration: 'warning: ',
  note: 'note: ',
  progress: '',
  prompt: '',
};

/** What is said beside a report goes to stderr; with --quiet only what nobody may miss. */
function teller({ stderr }: Cli, { quiet }: CommonOptions): Services['tell'] {
  return ({ kind, message }) => {
    if (quiet === true && kind !== 'warning' && kind !== 'prompt') return;
    stderr.write(`${fold(stderr, [PREFIXES[kind] + message]).join('\n')}\n`);
  };
}
