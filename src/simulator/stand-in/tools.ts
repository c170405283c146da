import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, isAbsolute, relative, resolve } from 'node:path';

/** A tool call, which may be allowed or denied. */
export interface ToolCall {
  readonly id: string;
  readonly name: string;
  readonly input: Readonly<Record<string, unknown>>;
}

/** The result of a tool call. */
export interface ToolResult {
  readonly text: string;
  readonly failed: boolean;
}

/** What tools need to run. */
export interface ToolContext {
  readonly cwd: string;
  /** The environment of shell commands. */
  readonly environment: Readonly<Record<string, string>>;
  /** Kills a process group at once; throws if the group is gone. */
  readonly killGroup: (leader: number) => void;
  /** Called from time to time while a command runs. */
  readonly onProgress: (call: ToolCall, elapsedSeconds: number) => void;
}

/** The tools that a request offers, as the API wants them described. */
export const TOOLS = [
  tool('Write', 'Writes a file.', ['file_path', 'content']),
  tool('Edit', 'Replaces one string in a file by another.', ['file_path', 'old_string', 'new_string']),
  tool('Read', 'Reads a file.', ['file_path']),
  tool('Bash', 'Runs a shell command.', ['command']),
];

const HEARTBEAT_MS = 30_000;
const MAX_OUTPUT_CHARACTERS = 30_000;
const LAST_OUTPUT_MS = 500;

/** Really runs tools, and keeps track of the commands that still run. */
export class Toolbox {
  readonly #context: ToolContext;
  readonly #running = new Set<ChildProcess>();

  constructor(context: ToolContext) {
    this.#context = context;
  }

  run(call: ToolCall): Promise<ToolResult> | ToolResult {
    const input = (name: string): string => {
      const value = call.input[name];
      return typeof value === 'string' ? value : '';
    };
    const path = resolve(this.#context.cwd, input('file_path'));
    try {
      switch (call.name) {
        case 'Write':
          mkdirSync(dirname(path), { recursive: true });
          writeFileSync(path, input('content'));
          return succeeded(`File created successfully at: ${path}`);
        case 'Read':
          return succeeded(numbered(readFileSync(path, 'utf8')));
        case 'Edit':
          return edit(path, input('old_string'), input('new_string'));
        case 'Bash':
          return this.#bash(call, input('command'));
        default:
          return failed(`<tool_use_error>Error: No such tool available: ${call.name}</tool_use_error>`);
      }
    } catch (error) {
      return failed(`<tool_use_error>${String(error)}</tool_use_error>`);
    }
  }

  /** Kills every command that still runs, with all processes that it started. */
  kill(): void {
    for (const child of this.#running) this.#kill(child);
  }

  #bash(call: ToolCall, command: string): Promise<ToolResult> {
    const { cwd, environment, onProgress } = this.#context;
    const started = Date.now();
    // In a session of its own, as the Claude CLI does it.
    const child = spawn('bash', ['-c', command], {
      cwd,
      env: environment,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#running.add(child);
    let [output, timedOut] = ['', false];
    const collect = (chunk: string): void => {
      output = (output + chunk).slice(0, MAX_OUTPUT_CHARACTERS);
    };
    child.stdout.setEncoding('utf8').on('data', collect);
    child.stderr.setEncoding('utf8').on('data', collect);
    const beat = setInterval(() => onProgress(call, Math.round((Date.now() - started) / 1000)), HEARTBEAT_MS);
    const limit = setTimeout(
      () => {
        timedOut = true;
        this.#kill(child);
      },
      Number(call.input['timeout'] ?? environment['BASH_DEFAULT_TIMEOUT_MS'] ?? 120_000),
    );
    return new Promise((resolveResult) => {
      const finish = (code: number, note: string): void => {
        clearInterval(beat);
        clearTimeout(limit);
        this.#running.delete(child);
        const text = [output.trimEnd(), note].filter((part) => part !== '').join('\n');
        resolveResult(code === 0 ? succeeded(text) : failed(`Exit code ${code}\n${text}`));
      };
      child.once('error', (error) => finish(127, String(error)));
      child.once('exit', (code) => {
        const end = (): void => (timedOut ? finish(143, 'Command timed out') : finish(code ?? 137, ''));
        // A process that it left in the background may keep its output open for ever.
        const enough = setTimeout(end, LAST_OUTPUT_MS);
        child.once('close', () => {
          clearTimeout(enough);
          end();
        });
      });
    });
  }

  #kill(child: ChildProcess): void {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    try {
      this.#context.killGroup(child.pid);
    } catch {
      child.kill('SIGKILL');
    }
  }
}

function edit(path: string, from: string, to: string): ToolResult {
  const content = readFileSync(path, 'utf8');
  if (!content.includes(from)) {
    return failed(`<tool_use_error>String to replace not found in file.\nString: ${from}</tool_use_error>`);
  }
  writeFileSync(
    path,
    content.replace(from, () => to),
  );
  return succeeded(`The file ${path} has been updated successfully.`);
}

function numbered(content: string): string {
  return content
    .split('\n')
    .map((line, index) => `${index + 1}\t${line}`)
    .join('\n');
}

const succeeded = (text: string): ToolResult => ({ text, failed: false });
const failed = (text: string): ToolResult => ({ text, failed: true });

function tool(name: string, description: string, fields: readonly string[]): object {
  const properties = Object.fromEntries(fields.map((field) => [field, { type: 'string' }]));
  return { name, description, input_schema: { type: 'object', properties, required: fields } };
}

const READS = ['echo', 'ls', 'pwd', 'cat', 'head', 'tail', 'wc', 'grep', 'true', 'cd'];
const CHANGES = ['mkdir', 'touch', 'rm', 'mv', 'cp', 'sed'];

/** Why a call is denied; undefined if it may run. The order of the rules is that of the Claude CLI. */
export function checkPermission(
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

/**
 * Whether a rule allows a command. Rules are `Bash(npm test)` and, by prefix, `Bash(npm test:*)` or `Bash(npm test
 * *)`.
 */
function covers(rule: string, command: string): boolean {
  const pattern = /^Bash\((.*)\)$/.exec(rule)?.[1];
  if (pattern === undefined) return false;
  const prefix = /^(.*?)(?::| )\*$/.exec(pattern)?.[1];
  return prefix === undefined ? command === pattern : command === prefix || command.startsWith(`${prefix} `);
}

/** Why a value does not fit a JSON Schema; undefined if it fits. Only an object's own properties are checked. */
export function checkSchema(schema: Readonly<Record<string, unknown>>, value: object): string | undefined {
  const fields = new Map(Object.entries(value));
  const properties = (schema['properties'] ?? {}) as Record<string, Record<string, unknown>>;
  const missing = ((schema['required'] ?? []) as string[]).find((name) => !fields.has(name));
  if (missing !== undefined) return `root: must have required property '${missing}'`;
  for (const [name, field] of fields) {
    const property = properties[name];
    if (property === undefined) {
      if (schema['additionalProperties'] === false)
        return `root: must NOT have additional property '${name}'`;
      continue;
    }
    const { type, enum: choices } = property;
    if (typeof type === 'string' && !isOfType(field, type)) return `/${name}: must be ${type}`;
    if (Array.isArray(choices) && !choices.includes(field))
      return `/${name}: must be equal to one of the allowed values`;
  }
  return undefined;
}

function isOfType(value: unknown, type: string): boolean {
  switch (type) {
    case 'array':
      return Array.isArray(value);
    case 'null':
      return value === null;
    case 'integer':
      return Number.isInteger(value);
    case 'object':
      return typeof value === 'object' && value !== null && !Array.isArray(value);
    default:
      return typeof value === type;
  }
}
