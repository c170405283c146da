import type { CompletedBinary, CompletedOption, Slot } from './describe.ts';

/** A completion script for bash 3.2 and later; it needs nothing but bash. */
export function bashScript(binaries: readonly CompletedBinary[]): string {
  return [HELPERS, ...binaries.map(binaryPart)].join('\n');
}

/** `=` and `:` split words in bash, so `--status=do` arrives as three of them. */
const HELPERS = `# bash completion for claude-orchestrator and task-master
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
  __claude_orchestrator_words "$("\${COMP_WORDS[0]}" list --with-subtasks --quiet --no-color 2>/dev/null | tail -n +2 | cut -d ' ' -f 1) $1"
}
`;

function binaryPart({ name, options, commands }: CompletedBinary): string {
  const id = `_${name.replaceAll('-', '_')}`;
  const global = options.flatMap(({ flags }) => flags);
  const valued = [
    ...commands.flatMap((command) => valuedFlags(command.options, `${command.name}:`)),
    ...valuedFlags(options, '*:'),
  ];
  const values = [
    ...commands.flatMap((command) =>
      command.options.flatMap((option) => valueCase(option, `${command.name}:`)),
    ),
    ...options.flatMap((option) => valueCase(option, '*:')),
  ];
  const flags = commands.map(
    (command) =>
      `    ${command.name}) flags='${[...command.options.flatMap((option) => option.flags), ...global].join(' ')}' ;;`,
  );
  const places = commands.flatMap((command) =>
    command.arguments.map((slot, index) => {
      const isLast = index === command.arguments.length - 1;
      return `    ${command.name}:${isLast ? '*' : index}) ${complete(slot)} ;;`;
    }),
  );
  return `${id}() {
  local cur prev command='' position=0 index word flags=''
  cur="\${COMP_WORDS[COMP_CWORD]}"
  prev="\${COMP_WORDS[COMP_CWORD-1]}"
  if [[ $cur == '=' ]]; then cur=''; elif [[ $prev == '=' ]]; then prev="\${COMP_WORDS[COMP_CWORD-2]}"; fi
  for ((index = 1; index < COMP_CWORD; index++)); do
    word="\${COMP_WORDS[index]}"
    case "$command:$word" in
      ${valued.join(' | ')})
        [[ \${COMP_WORDS[index+1]} == '=' ]] && ((index++))
        ((index++))
        ;;
      *:-*) ;;
      *) if [[ -z $command ]]; then command="$word"; else ((position++)); fi ;;
    esac
  done
  COMPREPLY=()
  case "$command:$prev" in
${values.join('\n')}
  esac
  case "$command" in
    '') flags='${global.join(' ')}' ;;
${flags.join('\n')}
  esac
  if [[ $cur == -* ]]; then
    __claude_orchestrator_words "$flags"
    return
  fi
  case "$command:$position" in
    :*) __claude_orchestrator_words '${commands.map((command) => command.name).join(' ')}' ;;
${places.join('\n')}
  esac
}
complete -F ${id} ${name}
`;
}

function valuedFlags(options: readonly CompletedOption[], prefix: string): string[] {
  return options.flatMap(({ flags, value }) =>
    value === undefined ? [] : flags.map((flag) => prefix + flag),
  );
}

function valueCase({ flags, value }: CompletedOption, prefix: string): string[] {
  if (value === undefined) return [];
  return [`    ${flags.map((flag) => prefix + flag).join(' | ')}) ${complete(value)}; return ;;`];
}

function complete({ words, files, ids }: Slot): string {
  if (ids) return `__claude_orchestrator_ids '${words.join(' ')}'`;
  if (files) return '__claude_orchestrator_files';
  return words.length > 0 ? `__claude_orchestrator_words '${words.join(' ')}'` : ':';
}
