import type { CompletedBinary, CompletedCommand, CompletedOption, Slot } from './describe.ts';

/** A completion script for zsh, to be sourced or put into a folder of `$fpath` as `_claude-orchestrator`. */
export function zshScript(binaries: readonly CompletedBinary[]): string {
  const register = binaries.map(({ name }) => `  compdef ${functionOf(name)} ${name}`);
  return `#compdef ${binaries.map(({ name }) => name).join(' ')}
__claude_orchestrator_ids() {
  local -a ids
  ids=(\${\${(f)"$($service list --with-subtasks --quiet --no-color 2>/dev/null)"}[2,-1]%% *})
  compadd -a ids
  compadd -- "$@"
}
${binaries.map(binaryPart).join('')}if [[ $funcstack[1] == _claude-orchestrator ]]; then
  "_\${service//-/_}" "$@"
else
${register.join('\n')}
fi
`;
}

function binaryPart({ name, options, commands }: CompletedBinary): string {
  return `${functionOf(name)}() {
  local curcontext="$curcontext" state line
  local -a common commands
  common=(
${options.map((option) => `    ${optionSpec(option)}`).join('\n')}
  )
  commands=(
${commands.map(({ name: command, summary }) => `    ${quote(`${command}:${summary.replaceAll(':', '\\:')}`)}`).join('\n')}
  )
  _arguments -C $common '1: :->command' '*:: :->arguments'
  case $state in
    command) _describe command commands ;;
    arguments)
      case $words[1] in
${commands.map(commandPart).join('\n')}
      esac
      ;;
  esac
}
`;
}

function commandPart(command: CompletedCommand): string {
  const specs = [
    ...command.options.map(optionSpec),
    ...command.arguments.map((slot, index) => {
      const place = index === command.arguments.length - 1 ? '*' : String(index + 1);
      return quote(`${place}: :${action(slot)}`);
    }),
  ];
  return `        ${command.name}) _arguments $common ${specs.join(' ')} ;;`;
}

function optionSpec({ flags, summary, value }: CompletedOption): string {
  // A long option may also have its value behind a "=".
  const spelled = flags.map((flag) => (value !== undefined && flag.startsWith('--') ? `${flag}=` : flag));
  const exclusive = flags.length > 1 ? `'(${flags.join(' ')})'{${spelled.join(',')}}` : spelled.join('');
  const explanation = `[${summary.replaceAll(/[[\]\\:]/g, '\\$&')}]`;
  const sign = value === undefined ? '' : `: :${action(value)}`;
  return exclusive + quote(explanation + sign);
}

function action({ words, files, ids }: Slot): string {
  if (files) return '_files';
  if (ids) return ['__claude_orchestrator_ids', ...words].join(' ');
  return words.length > 0 ? `(${words.join(' ')})` : '';
}

function functionOf(name: string): string {
  return `_${name.replaceAll('-', '_')}`;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
