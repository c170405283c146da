import { Argument, Command, InvalidArgumentError, Option } from 'commander';
import { findProject, type Project } from '../app/project/project.ts';
import type { Notice, Services } from '../app/services.ts';
import { fail } from '../domain/failure.ts';
import { nearest } from '../domain/text/nearest.ts';
import { styles, type Styles } from '../domain/text/styles.ts';
import type { Cli } from './cli.ts';
import type { CommonOptions } from './command.ts';
import { fold } from './fold.ts';
import { printJson, stdoutWidth, useColor } from './print.ts';

/** How a report looks for people. */
export interface Layout {
  readonly style: Styles;
  /** Cells of a line. */
  readonly width: number;
  readonly options: CommonOptions;
  /** Breaks lines to the width of stdout if that is a terminal; see `fold`. */
  readonly fold: (lines: readonly string[], hang?: number) => string[];
}

/** Makes lines for people of a report. */
type Describe<R> = (report: R, layout: Layout) => readonly string[];

/** What a command was given, and how it answers. */
export interface Call<O = object> {
  readonly options: CommonOptions & O;
  readonly args: readonly string[];
  /** The project that the command is about. It is looked for when this is read. */
  readonly project: Project;
  readonly layout: Layout;
  /** Prints a report: with --json as JSON, otherwise as the lines that `describe` makes of it. */
  readonly print: <R>(report: R, describe: Describe<R>) => void;
  /** Prints the report of a change. With --quiet, only JSON is printed. */
  readonly printChange: <R>(report: R, describe: Describe<R>) => void;
}

/** A command with what the commands of this tool have in common. */
export class ToolCommand extends Command {
  /** Adds examples to the help. They start with the name of the binary that shows them. */
  examples(...examples: readonly string[]): this {
    return this.addHelpText('after', () => {
      const binary = this.parent?.name() ?? 'claude-orchestrator';
      const lines = examples.map((example) => `  ${binary} ${example}`);
      return `\n${examples.length === 1 ? 'Example' : 'Examples'}:\n${lines.join('\n')}`;
    });
  }

  /** Adds an option that takes a whole number. */
  wholeNumber(flags: string, meaning: string, least: number, most: number): this {
    return this.option(flags, meaning, (text) => {
      const value = /^\d{1,9}$/.test(text.trim()) ? Number(text) : NaN;
      if (value >= least && value <= most) return value;
      const name = /--[\w-]+/.exec(flags)?.[0] ?? flags;
      throw new InvalidArgumentError(`${name} takes a whole number from ${least} to ${most}.`);
    });
  }

  /**
   * Adds an option or argument for which help and completion show the words that it may be. Whoever reads the value
   * checks it.
   */
  words(flags: string, meaning: string, words: readonly string[]): this {
    if (flags.startsWith('-'))
      return this.addOption(new Option(flags, meaning).choices(words).argParser(String));
    return this.addArgument(new Argument(flags, meaning).choices(words).argParser(String));
  }

  /** Gives the command its action, which may return an exit code. */
  onRun<O = object>(
    cli: Cli,
    run: (call: Call<O>) => Promise<number | undefined> | number | undefined,
  ): this {
    return this.action(async () => {
      const options = this.optsWithGlobals<CommonOptions & O>();
      cli.tell = makeTell(cli, options);
      const code = await run(callOf(cli, options, this.args));
      if (code !== undefined) cli.exitCode = code;
    });
  }
}

/** Reads an argument that must be one of a few words, or says which words there are. */
export function oneOf<T extends string>(word: string, words: readonly T[]): T {
  const found = words.find((known) => known === word);
  if (found !== undefined) return found;
  const meant = nearest(word, words);
  return fail(
    'wrong-usage',
    `${JSON.stringify(word)}: expected ${words.slice(0, -1).join(', ')} or ${words.at(-1) ?? ''}.`,
    meant === undefined ? undefined : `Did you mean "${meant}"?`,
  );
}

function callOf<O>(cli: Cli, options: CommonOptions & O, args: readonly string[]): Call<O> {
  const { stdout } = cli;
  const layout: Layout = {
    style: styles(useColor(cli, options)),
    width: stdoutWidth(cli),
    options,
    fold: (lines, hang) => fold(stdout, lines, hang),
  };
  const print: Call<O>['print'] = (report, describe) => {
    if (options.json === true) {
      printJson(cli, report);
      return;
    }
    const lines = describe(report, layout);
    if (lines.length > 0) stdout.write(`${lines.join('\n')}\n`);
  };
  return {
    options,
    args,
    layout,
    get project() {
      return findProject(cli, options);
    },
    print,
    printChange: (report, describe) => print(report, options.quiet === true ? () => [] : describe),
  };
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
