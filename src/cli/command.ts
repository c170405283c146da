import type { Command } from 'commander';
import type { ProjectRequest } from '../app/project/project.ts';
import type { Notice, Services } from '../app/services.ts';
import type { Cli } from './cli.ts';
import { fold } from './fold.ts';

/** A command of a binary: its line in the help, and how to load and make it. */
export interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  readonly load: () => Promise<{ readonly makeCommand: (cli: Cli) => Command }>;
  /** What its exit codes mean, if it has others than 0 and 2. */
  readonly exits?: string;
}

/** One of the two binaries. */
export interface Program {
  readonly name: string;
  readonly description: string;
  readonly commands: readonly CommandEntry[];
}

/** The options that every command takes, before or after its name, with their meaning. */
export const COMMON_OPTIONS: readonly (readonly [flags: string, meaning: string])[] = [
  ['--config <file>', 'configuration file (default: orchestrator_config.json, found upwards)'],
  ['-d, --working-dir <dir>', 'work as if started in this directory'],
  ['--tag <name>', 'task list to use (default: master)'],
  ['--json', 'print JSON, in the documented shapes'],
  ['-v, --verbose', 'print more'],
  ['-q, --quiet', 'print only results and errors'],
  ['--no-color', 'no colours (NO_COLOR works too)'],
];

/** The common options that take a value, to tell their values from the name of a command. */
export const VALUE_OPTIONS: ReadonlySet<string> = new Set(['--config', '--working-dir', '-d', '--tag']);

/** The values of the common options. None has a default: the configuration has them. */
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

/** What a command does with its options and arguments. It may return an exit code. */
type Action<O> = (options: O, args: readonly string[]) => Promise<number | undefined> | number | undefined;

/** Gives a command its action. */
export function onRun<O extends CommonOptions>(command: Command, cli: Cli, run: Action<O>): Command {
  return command.action(async () => {
    cli.tell = makeTell(cli, command.optsWithGlobals<O>());
    const code = await run(command.optsWithGlobals<O>(), command.args);
    if (code !== undefined) cli.exitCode = code;
  });
}

/** Adds examples to the help of a command. They start with the name of the binary that shows them. */
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

/** Notices go to stderr. With --quiet, only warnings and prompts are printed. */
function makeTell({ stderr }: Cli, { quiet }: CommonOptions): Services['tell'] {
  return ({ kind, message }) => {
    if (quiet === true && kind !== 'warning' && kind !== 'prompt') return;
    stderr.write(`${fold(stderr, [PREFIXES[kind] + message]).join('\n')}\n`);
  };
}
