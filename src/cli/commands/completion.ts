import { Command } from 'commander';
import type { CompletionReport } from '../../app/contract/completion.ts';
import type { Cli } from '../cli.ts';
import { addCommonOptions, type Program } from '../command.ts';
import { printJson } from '../print.ts';
import { oneOf, ToolCommand } from '../tool-command.ts';

const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript } as const;
const SHELLS = Object.keys(SCRIPTS) as (keyof typeof SCRIPTS)[];

/** `completion`: a script for both binaries, made from the commands themselves. */
export function makeCompletion(cli: Cli, programs: readonly Program[]): Command {
  return new ToolCommand('completion')
    .description('Print a completion script for a shell, for claude-orchestrator and task-master.')
    .words('<shell>', 'the shell', SHELLS)
    .examples(
      'completion bash >> ~/.bash_completion',
      'completion zsh > "${fpath[1]}/_claude-orchestrator"',
      'completion fish > ~/.config/fish/completions/claude-orchestrator.fish',
    )
    .onRun(cli, async ({ options, args: [word = ''] }) => {
      const shell = oneOf(word, SHELLS);
      const script = SCRIPTS[shell](await Promise.all(programs.map((program) => loadBinary(cli, program))));
      if (options.json === true) printJson(cli, { shell, script } satisfies CompletionReport);
      else cli.stdout.write(script);
    });
}

type Binary = Awaited<ReturnType<typeof loadBinary>>;
type CompletedOption = ReturnType<typeof optionsOf>[number];
type Slot = ReturnType<typeof slot>;

/** A binary with all its commands loaded, so that completion always agrees with the parser. */
async function loadBinary(cli: Cli, { name, commands }: Program) {
  return {
    name,
    functionName: `_${name.replaceAll('-', '_')}`,
    /** What every command takes. */
    options: optionsOf(addCommonOptions(new Command(name)).option('-h, --help', 'print help')),
    commands: await Promise.all(
      commands.map(async ({ name: command, summary, load }) => {
        const loaded = (await load()).makeCommand(cli);
        const slots = loaded.registeredArguments.map((each) => slot(each.name(), each.argChoices));
        return { name: command, summary, options: optionsOf(loaded), slots };
      }),
    ),
  };
}

function optionsOf(command: Command) {
  return command.options
    .filter((option) => !option.hidden)
    .map(({ short, long, description, flags, argChoices }) => {
      const value = /[<[]([^>\]]*)/.exec(flags)?.[1];
      return {
        flags: [short, long].filter((flag) => flag !== undefined),
        summary: description,
        /** Undefined if it takes none. */
        value: value === undefined ? undefined : slot(value, argChoices),
      };
    });
}

/** What a value may be: the names that commands give their arguments tell whether these are files or task ids. */
function slot(name: string, words: readonly string[] = []) {
  return {
    words: words.join(' '),
    files: /^(files?|dir|prd|path)(\.\.\.)?$/.test(name),
    ids: /^(ids?|needs|ids-and-status)(\.\.\.)?$/.test(name),
  };
}

/** Prints the ids of all tasks, each on a line with its title; the first line is a header. */
const LIST_IDS = 'list --with-subtasks --quiet --no-color 2>/dev/null';

/**
 * A completion script for bash 3.2 and later; it needs nothing but bash. `=` and `:` split words in bash, so
 * `--status=do` arrives as three of them.
 */
function bashScript(binaries: readonly Binary[]): string {
  const helpers = `# bash completion for claude-orchestrator and task-master
__claude_orchestrator_words() {
  local word
  COMPREPLY=()
  while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen -W "$1" -- "$cur")
}
__claude_orchestrator_files() {
  local word
  COMPREPLY=()
  while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen -f -- "$cur")
  compopt -o filenames 2>/dev/null
}
__claude_orchestrator_ids() {
  __claude_orchestrator_words "$("\${COMP_WORDS[0]}" ${LIST_IDS} | tail -n +2 | cut -d ' ' -f 1) $1"
}
`;
  return [helpers, ...binaries.map(bashPart)].join('\n');
}

function bashPart({ name, functionName, options, commands }: Binary): string {
  const valued = [...commands, { name: '*', options }].flatMap((owner) =>
    owner.options.flatMap(({ flags, value }) =>
      value === undefined
        ? []
        : [{ value, pattern: flags.map((flag) => `${owner.name}:${flag}`).join(' | ') }],
    ),
  );
  return `${functionName}() {
  local cur prev command='' position=0 index word flags=''
  cur="\${COMP_WORDS[COMP_CWORD]}"
  prev="\${COMP_WORDS[COMP_CWORD-1]}"
  if [[ $cur == '=' ]]; then cur=''; elif [[ $prev == '=' ]]; then prev="\${COMP_WORDS[COMP_CWORD-2]}"; fi
  for ((index = 1; index < COMP_CWORD; index++)); do
    word="\${COMP_WORDS[index]}"
    case "$command:$word" in
      ${valued.map(({ pattern }) => pattern).join(' | ')})
        [[ \${COMP_WORDS[index+1]} == '=' ]] && ((index++))
        ((index++))
        ;;
      *:-*) ;;
      *) if [[ -z $command ]]; then command="$word"; else ((position++)); fi ;;
    esac
  done
  COMPREPLY=()
  case "$command:$prev" in
${valued.map(({ pattern, value }) => `    ${pattern}) ${bashAction(value)}; return ;;`).join('\n')}
  esac
  case "$command" in
    '') flags='${flagsOf(options)}' ;;
${commands.map((each) => `    ${each.name}) flags='${flagsOf([...each.options, ...options])}' ;;`).join('\n')}
  esac
  if [[ $cur == -* ]]; then
    __claude_orchestrator_words "$flags"
    return
  fi
  case "$command:$position" in
    :*) __claude_orchestrator_words '${commands.map((each) => each.name).join(' ')}' ;;
${commands.flatMap((each) => each.slots.map((value, index) => `    ${each.name}:${placeOf(each.slots, index)}) ${bashAction(value)} ;;`)).join('\n')}
  esac
}
complete -F ${functionName} ${name}
`;
}

function flagsOf(options: readonly CompletedOption[]): string {
  return options.flatMap(({ flags }) => flags).join(' ');
}

/** If a command takes any number of arguments, the last one stands for all that follow. */
function placeOf(slots: readonly Slot[], index: number, first = 0): string {
  return index === slots.length - 1 ? '*' : String(index + first);
}

function bashAction({ words, files, ids }: Slot): string {
  if (ids) return `__claude_orchestrator_ids '${words}'`;
  if (files) return '__claude_orchestrator_files';
  return words === '' ? ':' : `__claude_orchestrator_words '${words}'`;
}

/** A completion script for zsh, to be sourced or put into a folder of `$fpath` as `_claude-orchestrator`. */
function zshScript(binaries: readonly Binary[]): string {
  return `#compdef ${binaries.map(({ name }) => name).join(' ')}
__claude_orchestrator_ids() {
  local -a ids
  ids=(\${\${(f)"$($service ${LIST_IDS})"}[2,-1]%% *})
  compadd -a ids
  compadd -- "$@"
}
${binaries.map(zshPart).join('')}if [[ $funcstack[1] == _claude-orchestrator ]]; then
  "_\${service//-/_}" "$@"
else
${binaries.map(({ name, functionName }) => `  compdef ${functionName} ${name}`).join('\n')}
fi
`;
}

function zshPart({ functionName, options, commands }: Binary): string {
  const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
  const action = ({ words, files, ids }: Slot): string => {
    if (ids) return `__claude_orchestrator_ids ${words}`.trimEnd();
    return files ? '_files' : words && `(${words})`;
  };
  const optionSpec = ({ flags, summary, value }: CompletedOption): string => {
    // A long option may also have its value behind a "=".
    const spelled = flags.map((flag) => (value !== undefined && flag.startsWith('--') ? `${flag}=` : flag));
    const exclusive = flags.length > 1 ? `'(${flags.join(' ')})'{${spelled.join(',')}}` : spelled.join('');
    const explanation = `[${summary.replaceAll(/[[\]\\:]/g, '\\$&')}]`;
    return exclusive + quote(explanation + (value === undefined ? '' : `: :${action(value)}`));
  };
  const parts = commands.map(({ name, options: own, slots }) => {
    const places = slots.map((value, index) => quote(`${placeOf(slots, index, 1)}: :${action(value)}`));
    return `        ${name}) _arguments $common ${[...own.map(optionSpec), ...places].join(' ')} ;;`;
  });
  return `${functionName}() {
  local curcontext="$curcontext" state line
  local -a common commands
  common=(
${options.map((option) => `    ${optionSpec(option)}`).join('\n')}
  )
  commands=(
${commands.map(({ name, summary }) => `    ${quote(`${name}:${summary.replaceAll(':', '\\:')}`)}`).join('\n')}
  )
  _arguments -C $common '1: :->command' '*:: :->arguments'
  case $state in
    command) _describe command commands ;;
    arguments)
      case $words[1] in
${parts.join('\n')}
      esac
      ;;
  esac
}
`;
}

function fishScript(binaries: readonly Binary[]): string {
  return `# fish completion for claude-orchestrator and task-master\n${binaries.map(fishPart).join('')}`;
}

function fishPart({ name: binary, functionName, options, commands }: Binary): string {
  const needsCommand = `_${functionName}_needs_command`;
  const quote = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
  const idList = `(${binary} ${LIST_IDS} | tail -n +2 | string split -f 1 " ")`;
  const candidates = ({ words, files, ids }: Slot): string => {
    if (files) return ' -F';
    const all = ids ? `${idList} ${words}`.trimEnd() : words;
    return all && ` -a ${quote(all)}`;
  };
  const optionPart = ({ flags, summary, value }: CompletedOption): string => {
    const names = flags.map((flag) =>
      flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`,
    );
    const taken = value === undefined ? '' : `${value.files ? ' -r' : ' -x'}${candidates(value)}`;
    return ` ${names.join(' ')}${taken} -d ${quote(summary)}`;
  };
  const lines = [
    // Complete no files, except where a command takes some.
    ' -f',
    ...commands.map(({ name, summary }) => ` -n ${needsCommand} -a ${name} -d ${quote(summary)}`),
    ...options.map(optionPart),
    ...commands.flatMap(({ name, options: own, slots }) =>
      [...own.map(optionPart), ...slots.map(candidates).filter((words) => words !== '')].map(
        (part) => ` -n '__fish_seen_subcommand_from ${name}'${part}`,
      ),
    ),
  ];
  return `function ${needsCommand}
  not __fish_seen_subcommand_from ${commands.map(({ name }) => name).join(' ')}
end
${lines.map((line) => `complete -c ${binary}${line}\n`).join('')}`;
}
