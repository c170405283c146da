import { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { addCommonOptions, type CommandEntry, type Program } from '../command.ts';

/** What a value may be: one of some words, a file, task ids, or anything. */
export interface Slot {
  readonly words: readonly string[];
  readonly files: boolean;
  readonly ids: boolean;
}

/** An option, for completion. */
export interface CompletedOption {
  /** With their dashes, `-d` and `--working-dir`. */
  readonly flags: readonly string[];
  readonly summary: string;
  /** What its value may be; undefined if it takes none. */
  readonly value: Slot | undefined;
}

/** A command, for completion. */
export interface CompletedCommand {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly CompletedOption[];
  /** By position. If the command takes any number of arguments, the last one stands for all that follow. */
  readonly arguments: readonly Slot[];
}

/** A binary, for completion. */
export interface CompletedBinary {
  readonly name: string;
  /** The options of every command. */
  readonly options: readonly CompletedOption[];
  readonly commands: readonly CompletedCommand[];
}

/** Describes a binary by loading all its commands, so that completion always agrees with the parser. */
export async function describeBinary(
  cli: Cli,
  { name, commands: entries }: Program,
): Promise<CompletedBinary> {
  const commands = await Promise.all(
    entries.map(async (entry) => {
      const { makeCommand } = await entry.load();
      return describeCommand(makeCommand(cli), entry);
    }),
  );
  return { name, options: [...optionsOf(addCommonOptions(new Command(name))), HELP], commands };
}

const HELP: CompletedOption = { flags: ['-h', '--help'], summary: 'print help', value: undefined };

function describeCommand(command: Command, { name, summary }: CommandEntry): CompletedCommand {
  return {
    name,
    summary,
    options: optionsOf(command),
    arguments: command.registeredArguments.map((argument) => slot(argument.name(), argument.argChoices)),
  };
}

function optionsOf(command: Command): CompletedOption[] {
  return command.options
    .filter((option) => !option.hidden)
    .map((option) => ({
      flags: [option.short, option.long].filter((flag) => flag !== undefined),
      summary: option.description,
      value:
        option.required || option.optional
          ? slot(/[<[]([^>\]]*)/.exec(option.flags)?.[1] ?? '', option.argChoices)
          : undefined,
    }));
}

/** The names that commands give their arguments tell what these may be. */
function slot(name: string, words: readonly string[] | undefined): Slot {
  return {
    words: words ?? [],
    files: /^(files?|dir|prd|path)(\.\.\.)?$/.test(name),
    ids: /^(ids?|needs|ids-and-status)(\.\.\.)?$/.test(name),
  };
}
