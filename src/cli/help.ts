import { wrap } from '../domain/text/display-text.ts';
import { COMMON_OPTIONS, type Program } from './command.ts';

/** The exit codes of a command that has none of its own. */
const COMMON_EXITS = '0 done, 2 wrong usage or configuration';

const ALL_EXITS =
  '0 done, 1 some tasks failed, 2 wrong usage or configuration, 3 stopped at a usage limit, 4 over budget, ' +
  '5 not authenticated, 6 all done but not delivered, 130 interrupted';

/** What the exit codes of a command mean, in one line. */
export function exitCodes(exits = COMMON_EXITS): string {
  return `${exits}, 70 a bug of ours`;
}

/** The help of a whole binary for a terminal of `columns` cells. It does not use the parser, so it needs no loading. */
export function topLevelHelp({ name, description, commands }: Program, columns: number): string {
  const options = [
    ['-V, --version', 'print the version, as -v alone does'],
    ...COMMON_OPTIONS,
    ['-h, --help', 'print help'],
  ] as const;
  const known = commands.map((command) => [command.name, command.summary] as const);
  const width = Math.max(...[...options, ...known].map(([left]) => left.length)) + 2;
  const example = name === 'task-master' ? 'next' : 'init';
  return [
    `Usage: ${name} <command> [options]`,
    '',
    ...indented(description, 0, columns),
    '',
    'Commands:',
    ...known.flatMap(([left, right]) => entry(left, right, width, columns)),
    '',
    'Options:',
    ...options.flatMap(([left, right]) => entry(left, right, width, columns)),
    '',
    'Exit codes:',
    ...indented(exitCodes(ALL_EXITS), 2, columns),
    '',
    `\`${name} <command> --help\` explains a command, with examples.`,
    `Start with: ${name} ${example}`,
    '',
  ].join('\n');
}

function entry(left: string, right: string, width: number, columns: number): string[] {
  const [first = '', ...rest] = indented(right, width + 2, columns);
  return [`  ${left.padEnd(width)}${first.trimStart()}`, ...rest];
}

/** Lines of at most `columns` cells, each after `indent` spaces. */
function indented(text: string, indent: number, columns: number): string[] {
  return wrap(text, Math.max(20, columns - indent)).map((line) => ' '.repeat(indent) + line);
}
