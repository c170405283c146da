import type { PermissionDenial } from '../../domain/attempt.ts';

/** A denied tool call, as the CLI reports it. */
export interface DeniedCall {
  readonly tool_name: string;
  readonly tool_input?: Record<string, unknown> | undefined;
}

/** Lists every denial once, with the rule that would allow this call and similar ones. */
export function listDenials(calls: readonly DeniedCall[]): PermissionDenial[] {
  const denials = calls.flatMap(({ tool_name: tool, tool_input: input = {} }) =>
    rulesFor(tool, input).map((rule) => ({ tool, rule })),
  );
  return [...new Map(denials.map((denial) => [denial.rule, denial])).values()];
}

function rulesFor(tool: string, input: Record<string, unknown>): string[] {
  const { command, file_path: path, notebook_path: notebook, url } = input;
  if (tool === 'Bash' && typeof command === 'string') return commandRules(command);
  const file = path ?? notebook;
  // One rule for `Edit` covers every tool that changes files. A leading `//` means the file system's root.
  if (['Write', 'Edit', 'MultiEdit', 'NotebookEdit'].includes(tool) && typeof file === 'string')
    return [`Edit(${file.startsWith('/') ? `/${file}` : file})`];
  if (tool === 'Read' && typeof file === 'string')
    return [`Read(${file.startsWith('/') ? `/${file}` : file})`];
  if (tool === 'WebFetch' && typeof url === 'string' && URL.canParse(url))
    return [`WebFetch(domain:${new URL(url).hostname})`];
  return [tool];
}

/** Programs whose next word is a subcommand. */
const WITH_SUBCOMMAND = new Set(
  'npm npx pnpm yarn bun deno node git cargo go make docker pip pip3 uv poetry mvn gradle ./gradlew python python3 bundle rake dotnet'.split(
    ' ',
  ),
);
const WORD = /^[\w@./:+-]+$/;
const ALWAYS_ALLOWED = new Set(['cd', 'echo', 'pwd', 'true']);

/** The CLI checks each part of a compound command separately, so each part needs a rule. */
function commandRules(command: string): string[] {
  const rules = command
    .split(/&&|\|\||[;|\n]/)
    .map(commandRule)
    .filter((rule) => rule !== undefined);
  return rules.length > 0 ? [...new Set(rules)] : ['Bash'];
}

function commandRule(part: string): string | undefined {
  const words = part.trim().split(/\s+/);
  while (/^\w+=/.test(words[0] ?? '')) words.shift();
  const [program = '', sub = '', script = ''] = words;
  if (!WORD.test(program) || ALWAYS_ALLOWED.has(program)) return undefined;
  const named = (word: string): boolean => WORD.test(word) && !word.startsWith('-');
  if (!WITH_SUBCOMMAND.has(program) || !named(sub)) return `Bash(${program}:*)`;
  if (sub !== 'run' || !named(script)) return `Bash(${program} ${sub}:*)`;
  return `Bash(${program} ${sub} ${script}:*)`;
}
