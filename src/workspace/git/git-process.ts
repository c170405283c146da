import { spawn, type ChildProcess } from 'node:child_process';

/** Where git is started, and with what: nothing of our own environment is added. */
export interface GitPlace {
  readonly directory: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** How a git ended; without an exit code it could not be started, or was killed. */
export interface GitEnd {
  readonly exitCode: number | null;
  /** Why there is no exit code. */
  readonly reason: string;
}

/** A git that was started. */
export interface GitProcess {
  /** Its pipes are missing where it could not be started. */
  readonly child: Partial<Pick<ChildProcess, 'stdin' | 'stdout' | 'stderr'>> &
    Pick<ChildProcess, 'kill' | 'ref' | 'unref'>;
  /** Resolves when it is gone and its pipes are closed. */
  readonly ended: Promise<GitEnd>;
}

/**
 * Starts git in a group of its own: Ctrl-C in the terminal, or a kill of ours, must not cut it short. Throws where not
 * even that can be tried, as with too long a command line.
 *
 * Not by execa, which takes more than twice the processor time, and there are many of them.
 */
export function startGit(
  args: readonly string[],
  { directory, environment }: GitPlace,
  input: 'pipe' | 'ignore',
): GitProcess {
  const child = spawn('git', args, {
    cwd: directory,
    env: environment,
    stdio: [input, 'pipe', 'pipe'],
    detached: true,
  });
  const ended = new Promise<GitEnd>((resolve) => {
    child.once('error', ({ message }) => resolve({ exitCode: null, reason: message }));
    child.once('close', (exitCode, signal) =>
      resolve({ exitCode, reason: `git was ended by ${String(signal)}` }),
    );
  });
  const started: GitProcess = { child, ended };
  // Whoever ends without reading all of its input tells so by its exit code.
  started.child.stdin?.on('error', () => undefined);
  return started;
}
