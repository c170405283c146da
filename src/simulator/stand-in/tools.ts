import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { ToolCall } from './permission.ts';

/** What a tool says. */
export interface ToolResult {
  readonly text: string;
  readonly failed: boolean;
}

/** Where tools run. */
export interface ToolContext {
  readonly cwd: string;
  /** For the shell commands. */
  readonly environment: Readonly<Record<string, string>>;
  /** Ends a process group at once; throws where it is gone. */
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

/** Runs tools for real, and knows which commands still run. */
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
          return said(`File created successfully at: ${path}`);
        case 'Read':
          return said(numbered(readFileSync(path, 'utf8')));
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

  /** Ends every command that still runs, with all that it started. */
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
        resolveResult(code === 0 ? said(text) : failed(`Exit code ${code}\n${text}`));
      };
      child.once('error', (error) => finish(127, String(error)));
      child.once('exit', (code) => {
        const end = (): void => (timedOut ? finish(143, 'Command timed out') : finish(code ?? 137, ''));
        // What it left in the background may hold its output open for ever.
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
  return said(`The file ${path} has been updated successfully.`);
}

function numbered(content: string): string {
  return content
    .split('\n')
    .map((line, index) => `${index + 1}\t${line}`)
    .join('\n');
}

const said = (text: string): ToolResult => ({ text, failed: false });
const failed = (text: string): ToolResult => ({ text, failed: true });

function tool(name: string, description: string, fields: readonly string[]): object {
  const properties = Object.fromEntries(fields.map((field) => [field, { type: 'string' }]));
  return { name, description, input_schema: { type: 'object', properties, required: fields } };
}
