import { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { addCommonOptions, type CommandEntry } from '../command.ts';

/** What may stand in a place: one of some words, a file, task ids, or anything. */
export interface Slot {
  readonly words: readonly string[];
  readonly files: boolean;
  readonly ids: boolean;
}

/** An option as a shell completes it. */
export interface CompletedOption {
  /** With their dashes, `-d` and `--working-dir`. */
  readonly flags: readonly string[];
  readonly summary: string;
  /** What its value may be; undefined where it takes none. */
  readonly value: Slot | undefined;
}

/** A command as a shell completes it. */
export interface CompletedCommand {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly CompletedOption[];
  /** By position; the last one stands for all that follow if the command takes any number. */
  readonly arguments: readonly Slot[];
}

/** A binary as a shell completes it. */
export interface CompletedBinary {
  readonly name: string;
  /** Taken by every command. */
  readonly options: readonly CompletedOption[];
  readonly commands: readonly CompletedCommand[];
}

/** Loads every command of a binary and reads what it takes from the command itself, so that nothing can disagree. */
export async function describeBinary(
  cli: Cli,
  name: string,
  entries: readonly CommandEntry[],
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

/** Places are told by the names that commands give them. */
function slot(name: string, words: readonly string[] | undefined): Slot {
  return {
    words: words ?? [],
    files: /^(files?|dir|prd|path)(\.\.\.)?$/.test(name),
    ids: /^(ids?|needs|ids-and-status)(\.\.\.)?$/.test(name),
  };
}
