import type { CompletedBinary, CompletedCommand, CompletedOption, Slot } from './describe.ts';

/** A completion script for fish. */
export function fishScript(binaries: readonly CompletedBinary[]): string {
  return `# fish completion for claude-orchestrator and task-master\n${binaries.map(binaryPart).join('')}`;
}

function binaryPart({ name, options, commands }: CompletedBinary): string {
  const needsCommand = `__${name.replaceAll('-', '_')}_needs_command`;
  const lines = [
    `function ${needsCommand}`,
    `  not __fish_seen_subcommand_from ${commands.map((command) => command.name).join(' ')}`,
    'end',
    // Complete no files, except where a command takes some.
    `complete -c ${name} -f`,
    ...commands.map(
      (command) => `complete -c ${name} -n ${needsCommand} -a ${command.name} -d ${quote(command.summary)}`,
    ),
    ...options.map((option) => optionLine(name, undefined, option)),
    ...commands.flatMap((command) => [
      ...command.options.map((option) => optionLine(name, command, option)),
      ...command.arguments.flatMap((slot) => argumentLine(name, command, slot)),
    ]),
  ];
  return `${lines.join('\n')}\n`;
}

function optionLine(
  binary: string,
  command: CompletedCommand | undefined,
  { flags, summary, value }: CompletedOption,
): string {
  const where = command === undefined ? '' : ` -n '__fish_seen_subcommand_from ${command.name}'`;
  const names = flags.map((flag) => (flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`));
  return `complete -c ${binary}${where} ${names.join(' ')}${valuePart(binary, value)} -d ${quote(summary)}`;
}

function argumentLine(binary: string, command: CompletedCommand, slot: Slot): string[] {
  const where = `complete -c ${binary} -n '__fish_seen_subcommand_from ${command.name}'`;
  if (slot.files) return [`${where} -F`];
  const words = candidates(binary, slot);
  return words === '' ? [] : [`${where} -a ${words}`];
}

function valuePart(binary: string, value: Slot | undefined): string {
  if (value === undefined) return '';
  if (value.files) return ' -r -F';
  const words = candidates(binary, value);
  return words === '' ? ' -x' : ` -x -a ${words}`;
}

function candidates(binary: string, { words, ids }: Slot): string {
  if (!ids) return words.length > 0 ? quote(words.join(' ')) : '';
  const list = `(${binary} list --with-subtasks --quiet --no-color 2>/dev/null | tail -n +2 | string split -f 1 " ")`;
  return quote([list, ...words].join(' '));
}

function quote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
