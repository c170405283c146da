import { EventEmitter } from 'node:events';
import { Readable } from 'node:stream';
import { makeCli, type Output } from '../../src/cli/cli.ts';
import type { Program } from '../../src/cli/command.ts';
import { CLAUDE_ORCHESTRATOR, TASK_MASTER } from '../../src/cli/commands.ts';
import { runCli } from '../../src/cli/main.ts';

/** What a command line came to. */
export interface CliEnd {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** How the terminal of a hand-made process looks; 80 columns and no terminal by default. */
export interface CliOptions {
  readonly cwd: string;
  readonly columns?: number;
  readonly isTTY?: boolean;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs a command line in this process, against a hand-made one: for what would take too many real ones. */
export async function runInProcess(
  program: Program,
  argv: readonly string[],
  options: CliOptions,
): Promise<CliEnd> {
  const stdout = new MemoryOutput(options);
  const stderr = new MemoryOutput(options);
  const cli = makeCli({
    argv,
    env: options.env ?? {},
    cwd: options.cwd,
    pid: process.pid,
    platform: process.platform,
    nodeVersion: process.version,
    nodePath: process.execPath,
    scriptPath: '',
    stdin: Readable.from([]),
    stdout,
    stderr,
    onSignal: () => () => undefined,
    kill: () => undefined,
  });
  await runCli(cli, program);
  return { exitCode: cli.exitCode, stdout: stdout.text, stderr: stderr.text };
}

/** Runs a command of `claude-orchestrator` in a project. */
export function run(
  project: { readonly directory: string },
  argv: readonly string[],
  terminal: Omit<CliOptions, 'cwd'> = {},
): Promise<CliEnd> {
  return runInProcess(CLAUDE_ORCHESTRATOR, argv, { cwd: project.directory, ...terminal });
}

/** Runs a command of `task-master` in a project. */
export function taskMaster(
  project: { readonly directory: string },
  argv: readonly string[],
  terminal: Omit<CliOptions, 'cwd'> = {},
): Promise<CliEnd> {
  return runInProcess(TASK_MASTER, argv, { cwd: project.directory, ...terminal });
}

/** What `--json` printed. */
export function json(end: CliEnd): unknown {
  return JSON.parse(end.stdout);
}

class MemoryOutput extends EventEmitter implements Output {
  text = '';
  readonly isTTY: boolean;
  readonly columns: number;
  readonly rows = 24;

  constructor({ columns = 80, isTTY = false }: CliOptions) {
    super();
    this.columns = columns;
    this.isTTY = isTTY;
  }

  write(text: string | Uint8Array): boolean {
    this.text += typeof text === 'string' ? text : Buffer.from(text).toString();
    return true;
  }
}
