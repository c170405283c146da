import type { Command } from 'commander';
import type { ProjectRequest } from '../app/project/project.ts';
import type { Cli } from './cli.ts';

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
