import { execa } from 'execa';
import { WorkerPool } from '../worker-pool.ts';

/** What one git command came to. */
export interface GitResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** How one command is run, where it differs from the rest. */
export interface GitOptions {
  /** Where it runs, if not in the repository's own checkout. */
  readonly directory?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly input?: string;
  /** Runs the hooks of the user's repository: for what is done in their name and their checkout. */
  readonly hooks?: boolean;
}

/** A git command that failed although it should not have. */
export class GitFailed extends Error {
  override readonly name = 'GitFailed';
  readonly exitCode: number;
  readonly stderr: string;

  constructor(args: readonly string[], { exitCode, stderr, stdout }: GitResult) {
    const said = (stderr.trim() === '' ? stdout : stderr).trim();
    super(
      `\`git ${args.join(' ')}\` failed (exit code ${exitCode}): ${said === '' ? 'it said nothing' : said}`,
    );
    this.exitCode = exitCode;
    this.stderr = stderr;
  }
}

/** Nothing runs by itself in between, and no hook of the repository sees what is done inside. */
const QUIET = ['gc.auto=0', 'maintenance.auto=false', 'core.fsmonitor=false', 'advice.detachedHead=false'];

/** Git in one repository. Object and ref names from outside must not begin with a dash. */
export class Git {
  /** Of the checkout in which the user works. */
  readonly directory: string;
  readonly #environment: Readonly<Record<string, string>>;
  readonly #admin = new WorkerPool(1);

  /** `environment` is the user's; what git itself would set in a hook or an alias is left out of it. */
  constructor(directory: string, environment: Readonly<Record<string, string | undefined>>) {
    this.directory = directory;
    const kept = Object.entries(environment).filter(
      (entry): entry is [string, string] => entry[1] !== undefined && !LOCAL_VARIABLES.has(entry[0]),
    );
    this.#environment = { ...Object.fromEntries(kept), LC_ALL: 'C', GIT_TERMINAL_PROMPT: '0' };
  }

  /** What a command printed, without the line break at its end; throws `GitFailed` unless it ends with 0. */
  async run(args: readonly string[], options: GitOptions = {}): Promise<string> {
    const result = await this.attempt(args, options);
    if (result.exitCode !== 0) throw new GitFailed(args, result);
    return result.stdout.replace(/\n$/, '');
  }

  /** The same, for commands whose exit code is an answer. */
  async attempt(args: readonly string[], options: GitOptions = {}): Promise<GitResult> {
    const settings = options.hooks === true ? QUIET : [...QUIET, 'core.hooksPath=/dev/null'];
    const { exitCode, stdout, stderr, failed, message } = await execa(
      'git',
      [...settings.flatMap((setting) => ['-c', setting]), ...args],
      {
        cwd: options.directory ?? this.directory,
        env: { ...this.#environment, ...options.environment },
        extendEnv: false,
        input: options.input ?? '',
        reject: false,
        stripFinalNewline: false,
        maxBuffer: MAX_OUTPUT,
        // In a group of its own: Ctrl-C in the terminal, or a kill of ours, must not cut it short.
        detached: true,
        cleanup: false,
      },
    );
    if (exitCode === undefined)
      throw new GitFailed(args, { exitCode: -1, stdout: '', stderr: message ?? '' });
    return { exitCode: failed && exitCode === 0 ? -1 : exitCode, stdout, stderr };
  }

  /** Hands over what a command prints, unchanged and no faster than it is taken; `signal` ends the command. */
  async stream(
    args: readonly string[],
    take: (chunk: Uint8Array) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void> {
    const settings = [...QUIET, 'core.hooksPath=/dev/null'];
    const running = execa('git', [...settings.flatMap((setting) => ['-c', setting]), ...args], {
      cwd: this.directory,
      env: this.#environment,
      extendEnv: false,
      input: '',
      reject: false,
      encoding: 'buffer',
      buffer: { stdout: false, stderr: true },
      cancelSignal: signal,
    });
    for await (const chunk of running.iterable({ binary: true })) await take(chunk);
    const { exitCode, stderr, failed, message } = await running;
    if (!failed || signal.aborted) return;
    const said = exitCode === undefined ? (message ?? '') : Buffer.from(stderr).toString();
    throw new GitFailed(args, { exitCode: exitCode ?? -1, stdout: '', stderr: said });
  }

  /** Runs a job that writes files which git keeps once for all worktrees; one such job at a time. */
  exclusive<T>(job: () => Promise<T>): Promise<T> {
    return this.#admin.run(job);
  }
}

const MAX_OUTPUT = 256 * 1024 * 1024;

/** `git rev-parse --local-env-vars`: they would point every command at another repository. */
const LOCAL_VARIABLES: ReadonlySet<string> = new Set([
  'GIT_ALTERNATE_OBJECT_DIRECTORIES',
  'GIT_CONFIG',
  'GIT_CONFIG_PARAMETERS',
  'GIT_CONFIG_COUNT',
  'GIT_OBJECT_DIRECTORY',
  'GIT_DIR',
  'GIT_WORK_TREE',
  'GIT_IMPLICIT_WORK_TREE',
  'GIT_GRAFT_FILE',
  'GIT_INDEX_FILE',
  'GIT_NO_REPLACE_OBJECTS',
  'GIT_REPLACE_REF_BASE',
  'GIT_PREFIX',
  'GIT_SHALLOW_FILE',
  'GIT_COMMON_DIR',
]);
