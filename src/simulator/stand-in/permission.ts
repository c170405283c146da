import { isAbsolute, relative, resolve } from 'node:path';

/** A tool call, before anybody has decided whether it may run. */
export interface ToolCall {
  readonly id: string;
  readonly name: string;
  readonly input: Readonly<Record<string, unknown>>;
}

const READS = ['echo', 'ls', 'pwd', 'cat', 'head', 'tail', 'wc', 'grep', 'true', 'cd'];
const CHANGES = ['mkdir', 'touch', 'rm', 'mv', 'cp', 'sed'];

/** Why a call is denied, or undefined where it may run; the same order of rules as in the Claude CLI. */
export function denial(
  call: ToolCall,
  cwd: string,
  mode: string,
  allowed: readonly string[],
): string | undefined {
  if (mode === 'bypassPermissions' || call.name === 'StructuredOutput' || allowed.includes(call.name))
    return undefined;
  if (call.name !== 'Bash') return fileDenial(call, cwd, mode);
  const command = String(call.input['command']);
  const free = mode === 'acceptEdits' ? [...READS, ...CHANGES] : READS;
  const parts = command.split(/&&|\|\||[;|\n]/).map((part) => part.trim());
  const asks = parts.find(
    (part) =>
      part !== '' && !free.includes(part.split(/\s/)[0] ?? '') && !allowed.some((rule) => covers(rule, part)),
  );
  if (asks === undefined) return undefined;
  return parts.length === 1
    ? 'This command requires approval'
    : `This Bash command contains multiple operations. The following part requires approval: ${asks}`;
}

function fileDenial(call: ToolCall, cwd: string, mode: string): string | undefined {
  const path = String(call.input['file_path']);
  const inside =
    !relative(cwd, resolve(cwd, path)).startsWith('..') && !isAbsolute(relative(cwd, resolve(cwd, path)));
  if (inside && (call.name === 'Read' || mode === 'acceptEdits')) return undefined;
  const wish = call.name === 'Read' ? 'read from' : 'write to';
  return `Claude requested permissions to ${wish} ${path}, but you haven't granted it yet.`;
}

/** Rules: `Bash`, `Bash(npm test)`, and by prefix `Bash(npm test:*)` or `Bash(npm test *)`. */
function covers(rule: string, command: string): boolean {
  const pattern = /^Bash\((.*)\)$/.exec(rule)?.[1];
  if (pattern === undefined) return false;
  const prefix = /^(.*?)(?::| )\*$/.exec(pattern)?.[1];
  return prefix === undefined ? command === pattern : command === prefix || command.startsWith(`${prefix} `);
}
