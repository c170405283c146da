import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import type { ProcessIdentity } from '../../domain/attempt.ts';
import { err, ok, type Result } from '../../domain/result.ts';
import type { ProcessTable } from '../process/process-table.ts';
import type { AttemptFiles } from './attempt-files.ts';

/** How a process ended. Both are null if that can no longer be known. */
export interface ProcessExit {
  readonly exitCode: number | null;
  readonly signal: string | null;
}

/** A started process. */
export interface ClaudeProcess {
  readonly identity: ProcessIdentity;
  /** Resolves when the process itself is gone, even if it left others behind. */
  readonly exited: Promise<ProcessExit>;
}

/**
 * Starts the Claude CLI in a process group of its own, with files for its input and output. Without a pipe to us it keeps
 * working when we are killed. The error is a sentence that says what to do.
 */
export async function spawnClaude(
  table: ProcessTable,
  call: {
    readonly command: string;
    readonly args: readonly string[];
    readonly environment: Readonly<Record<string, string>>;
    readonly directory: string;
    readonly files: AttemptFiles;
  },
): Promise<Result<ClaudeProcess, string>> {
  const opened: number[] = [];
  const open = (file: string, flags: 'r' | 'w'): number => {
    const descriptor = openSync(file, flags, 0o600);
    opened.push(descriptor);
    return descriptor;
  };
  try {
    const stdio = [
      open(call.files.prompt, 'r'),
      open(call.files.transcript, 'w'),
      open(call.files.stderr, 'w'),
    ];
    // execa does not accept descriptors above 9, and more files may be open than that.
    const child = spawn(call.command, call.args, {
      cwd: call.directory,
      env: { ...call.environment },
      stdio,
      detached: true,
    });
    const exited = new Promise<ProcessExit>((resolve) => {
      child.once('exit', (exitCode, signal) => resolve({ exitCode, signal }));
    });
    const failed = new Promise<NodeJS.ErrnoException>((resolve) => child.once('error', resolve));
    if (child.pid === undefined) return err(spawnError(call, (await failed).code));
    // A process that has already ended has no start time to look up. No other process has this one.
    const identity = table.identify(child.pid) ?? { pid: child.pid, startTime: 'ended' };
    return ok({ identity, exited });
  } finally {
    for (const descriptor of opened) closeSync(descriptor);
  }
}

function spawnError(
  { command, directory }: { readonly command: string; readonly directory: string },
  code: string | undefined,
): string {
  if (code === 'ENOENT')
    return `The Claude CLI "${command}" was not found. Install it with \`npm install -g @anthropic-ai/claude-code\`, or name it in claude_cli.command.`;
  return `The Claude CLI "${command}" could not be started in ${directory} (${code ?? 'unknown error'}); \`check\` shows what is wrong.`;
}
