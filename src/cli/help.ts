import type { CommandEntry } from './commands.ts';

/** The options that every command takes, before or after its name: flags as commander reads them, and their meaning. */
export const COMMON_OPTIONS: readonly (readonly [flags: string, meaning: string])[] = [
  ['--config <file>', 'configuration file (default: orchestrator_config.json, found upwards)'],
  ['-d, --working-dir <dir>', 'work as if started in this directory'],
  ['--tag <name>', 'task list to use (default: master)'],
  ['--json', 'print JSON, in the documented shapes'],
  ['-v, --verbose', 'print more'],
  ['-q, --quiet', 'print only results and errors'],
  ['--no-color', 'no colours (NO_COLOR works too)'],
];

/** Those of them that take a value, so that a command's name can be told from it. */
export const VALUE_OPTIONS: ReadonlySet<string> = new Set(['--config', '--working-dir', '-d', '--tag']);

/** The exit codes of a command that has none of its own. */
const COMMON_EXITS = '0 done, 2 wrong usage or configuration';

const ALL_EXITS =
  '0 done, 1 some tasks failed, 2 wrong usage or configuration, 3 stopped at a usage limit, 4 over budget, ' +
  '5 not authenticated, 6 all done but not delivered, 130 interrupted';

/** What the exit codes of a command mean, in one line. */
export function exitCodes(exits = COMMON_EXITS): string {
  return `${exits}, 70 a bug of ours`;
}

/** The help of a whole binary, for a terminal of `columns` cells; made without the parser, so that it comes at once. */
export function topLevelHelp(
  name: string,
  description: string,
  commands: readonly CommandEntry[],
  columns: number,
): string {
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
    ...wrap(description, 0, columns),
    '',
    'Commands:',
    ...known.flatMap(([left, right]) => entry(left, right, width, columns)),
    '',
    'Options:',
    ...options.flatMap(([left, right]) => entry(left, right, width, columns)),
    '',
    'Exit codes:',
    ...wrap(exitCodes(ALL_EXITS), 2, columns),
    '',
    `\`${name} <command> --help\` tells about a command, with examples.`,
    `Start with: ${name} ${example}`,
    '',
  ].join('\n');
}

function entry(left: string, right: string, width: number, columns: number): string[] {
  const [first = '', ...rest] = wrap(right, width + 2, columns);
  return [`  ${left.padEnd(width)}${first.trimStart()}`, ...rest];
}

/** Lines of at most `columns` cells, each after `indent` spaces; the text is plain ASCII. */
function wrap(text: string, indent: number, columns: number): string[] {
  const most = Math.max(20, columns - indent);
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > most) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line].map((each) => ' '.repeat(indent) + each);
}
