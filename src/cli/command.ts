import type { Command } from 'commander';
import type { ProjectRequest } from '../app/project/project.ts';
import type { Notice, Services } from '../app/services.ts';
import type { Cli } from './cli.ts';
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

/** Adds examples to a command's help, in the spelling of the binary that shows it. */
export function withExamples(command: Command, examples: readonly string[]): Command {
  return command.addHelpText('after', () => {
    const binary = command.parent?.name() ?? 'claude-orchestrator';
    const lines = examples.map((example) => `  ${binary} ${example}`);
    return `\n${examples.length === 1 ? 'Example' : 'Examples'}:\n${lines.join('\n')}`;
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
