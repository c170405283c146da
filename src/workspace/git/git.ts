import { randomUUID } from 'node:crypto';
import { messageOf } from '../../domain/failure.ts';
import { WorkerPool } from '../../domain/worker-pool.ts';
import { GitSession, startGit, type GitProcess, type ReplyLength } from './git-process.ts';
import { OWN_ACTION } from './reflog.ts';

/** The result of a git command. */
export interface GitResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** How a command is run, where that differs from the default. */
export interface GitOptions {
  /** Where it runs, if not in the user's checkout. */
  readonly directory?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly input?: string;
  /** Runs the hooks of the repository: for commands in the user's name and in their checkout. */
  readonly hooks?: boolean;
}

/** The beginning of each `git status`: it takes no lock and prints paths unquoted. */
export const STATUS = ['--no-optional-locks', 'status', '-z', '--no-renames'] as const;

/** How a byte that is not UTF-8 reads in the output of git. */
export const NOT_UTF8 = '\uFFFD';

/** A git command failed unexpectedly. */
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

/** Whether something failed in git or on the disk, which can be expected; everything else is a bug. */
export function isGitOrDiskError(error: unknown): error is Error {
  return error instanceof GitFailed || (error instanceof Error && 'code' in error);
}

/** Git must not start maintenance or a file monitor by itself. */
const QUIET = ['gc.auto=0', 'maintenance.auto=false', 'core.fsmonitor=false', 'advice.detachedHead=false'];

/** Git in one repository. Object and ref names from outside must not begin with a dash. */
export class Git {
  /** The user's checkout. */
  readonly directory: string;
  readonly #environment: Readonly<Record<string, string>>;
  readonly #admin = new WorkerPool(1);
  readonly #reader = new GitSession(() => this.#start(READER, {}, 'pipe'));
  readonly #mover = new GitSession(() => this.#start(MOVER, {}, 'pipe'));
  readonly #moves = new WorkerPool(1);
  readonly #writer = new GitSession(() => this.#start(WRITER, {}, 'pipe'));
  /** By the pattern that they look for in the lines. */
  readonly #differs = new Map<string, { readonly session: GitSession; readonly turns: WorkerPool }>();

  /** `environment` is the user's. Variables that git sets for a hook or an alias are removed from it. */
  constructor(directory: string, environment: Readonly<Record<string, string | undefined>>) {
    this.directory = directory;
    const kept = Object.entries(environment).filter(
      (entry): entry is [string, string] => entry[1] !== undefined && !LOCAL_VARIABLES.has(entry[0]),
    );
    this.#environment = { ...Object.fromEntries(kept), LC_ALL: 'C', GIT_TERMINAL_PROMPT: '0' };
  }

  /** Runs a command and returns its output without the final line break; throws `GitFailed` unless it exits with 0. */
  async run(args: readonly string[], options: GitOptions = {}): Promise<string> {
    const result = await this.attempt(args, options);
    if (result.exitCode !== 0) throw new GitFailed(args, result);
    return result.stdout.replace(/\n$/, '');
  }

  /** Runs a command whose exit code is an answer. */
  async attempt(args: readonly string[], options: GitOptions = {}): Promise<GitResult> {
    const { input = '' } = options;
    const { child, ended } = this.#start(args, options, input === '' ? 'ignore' : 'pipe');
    const stop = (): boolean => child.kill();
    const [stdout, stderr] = [new Output(child.stdout, stop), new Output(child.stderr, stop)];
    child.stdin?.end(input);
    const { exitCode, reason } = await ended;
    if (exitCode === null) throw new GitFailed(args, { exitCode: -1, stdout: '', stderr: reason });
    return { exitCode, stdout: stdout.text(), stderr: stderr.text() };
  }

  /** Returns the id of an object, such as `refs/heads/main^{commit}`; undefined where it does not exist. */
  async find(name: string): Promise<string | undefined> {
    if (name.includes('\n')) return undefined;
    const text = await ask(this.#reader, READER, `info ${name}\n`, firstLine);
    return /^([0-9a-f]{40,64}) \w+ \d+\n$/.exec(text)?.[1];
  }

  /** Returns the id of the commit that a name stands for. */
  commitAt(name: string): Promise<string | undefined> {
    return this.find(`${name}^{commit}`);
  }

  /** Returns the id of a commit's tree; throws `GitFailed` where the commit does not exist. */
  async treeOf(commit: string): Promise<string> {
    const tree = await this.find(`${commit}^{tree}`);
    if (tree !== undefined) return tree;
    throw new GitFailed(READER, { exitCode: 1, stdout: '', stderr: `${commit} has no tree` });
  }

  /**
   * Lists the files that differ between two trees, relative to the repository. With `pattern`, only those in which
   * lines that match it were added or removed.
   */
  async listDifferences(from: string, to: string, pattern = ''): Promise<string[]> {
    const args = [...DIFFER, ...(pattern === '' ? [] : [`-G${pattern}`])];
    const differ = this.#differs.get(pattern) ?? {
      session: new GitSession(() => this.#start(args, {}, 'pipe')),
      turns: new WorkerPool(1),
    };
    this.#differs.set(pattern, differ);
    // Git repeats input that is no tree, after all names. So it marks the end.
    const end = `${randomUUID()}\n`;
    const isWhole: ReplyLength = (printed) => (printed.endsWith(end) ? printed.length : undefined);
    const text = await differ.turns.run(() => ask(differ.session, args, `${from} ${to}\n${end}`, isWhole));
    const head = `${from} ${to}\n`;
    if (!text.startsWith(head))
      throw new GitFailed(args, { exitCode: 1, stdout: '', stderr: `${from} or ${to} is no tree` });
    const names = text.slice(head.length, -end.length).split('\0');
    return names.filter((name) => name !== '');
  }

  /** Writes the content of a file as a commit object, and returns its id. */
  async writeCommit(file: string): Promise<string> {
    return (await ask(this.#writer, WRITER, `${file}\n`, firstLine)).trimEnd();
  }

  /** Runs commands of `git update-ref --stdin`, all of them or none; throws where git refuses. */
  async moveRefs(commands: readonly string[]): Promise<void> {
    const moved = await this.tryMoveRefs(commands);
    if (moved.exitCode !== 0) throw new GitFailed([...MOVER, ...commands], moved);
  }

  /** Runs them where a refusal is an answer. */
  async tryMoveRefs(commands: readonly string[]): Promise<GitResult> {
    const request = ['start', ...commands, 'prepare', 'commit', ''].join('\n');
    // Git exits when it refuses a request. So the next request waits for the answer to the one before.
    const answer = await this.#moves.run(() => this.#mover.ask(request, wholeTransaction));
    if (answer.kind === 'reply') return { exitCode: 0, stdout: answer.text, stderr: '' };
    const { end, stderr } = answer;
    if (end.exitCode !== null && end.exitCode !== 0) return { exitCode: end.exitCode, stdout: '', stderr };
    throw new GitFailed(MOVER, { exitCode: -1, stdout: '', stderr: end.reason });
  }

  /** Passes on the output of a command unchanged, no faster than `take` accepts it; `signal` ends the command. */
  async stream(
    args: readonly string[],
    take: (chunk: Uint8Array) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void> {
    const { child, ended } = this.#start(args, {}, 'ignore');
    const end = (): boolean => child.kill();
    const stderr = new Output(child.stderr, end);
    signal.addEventListener('abort', end, { once: true });
    try {
      if (signal.aborted) end();
      for await (const chunk of child.stdout ?? []) await take(chunk as Buffer);
      const { exitCode, reason } = await ended;
      if (exitCode === 0 || signal.aborted) return;
      const said = exitCode === null ? reason : stderr.text();
      throw new GitFailed(args, { exitCode: exitCode ?? -1, stdout: '', stderr: said });
    } finally {
      signal.removeEventListener('abort', end);
      end();
    }
  }

  /** Runs a job that writes files which all worktrees share in git's folder; one such job at a time. */
  exclusive<T>(job: () => Promise<T>): Promise<T> {
    return this.#admin.run(job);
  }

  #start(args: readonly string[], options: GitOptions, input: 'pipe' | 'ignore'): GitProcess {
    const settings = options.hooks === true ? QUIET : [...QUIET, 'core.hooksPath=/dev/null'];
    const place = {
      directory: options.directory ?? this.directory,
      environment: { ...this.#environment, ...options.environment },
    };
    try {
      return startGit([...settings.flatMap((setting) => ['-c', setting]), ...args], place, input);
    } catch (error) {
      const said = messageOf(error);
      throw new GitFailed(args, { exitCode: -1, stdout: '', stderr: said });
    }
  }
}

/** It sees objects that are written while it runs, packed or not. */
const READER = ['cat-file', '--batch-command'];

const DIFFER = ['diff-tree', '--stdin', '-r', '-z', '--name-only', '--no-renames'];
const WRITER = ['hash-object', '-t', 'commit', '-w', '--stdin-paths'];

/** Asks a session a question that may be asked twice. */
async function ask(
  session: GitSession,
  args: readonly string[],
  request: string,
  measure: ReplyLength,
): Promise<string> {
  let answer = await session.ask(request, measure);
  // It may have ended because of an earlier question or by chance, so ask once more.
  if (answer.kind === 'ended') answer = await session.ask(request, measure);
  if (answer.kind === 'reply') return answer.text;
  const { end, stderr } = answer;
  throw new GitFailed(args, { exitCode: end.exitCode ?? -1, stdout: '', stderr: stderr || end.reason });
}

/** The message distinguishes our moves of a worktree's HEAD from those of its worker. */
const MOVER = ['update-ref', '-m', OWN_ACTION, '--stdin'];

function wholeTransaction(printed: string): number | undefined {
  const end = printed.indexOf(COMMITTED);
  return end === -1 ? undefined : end + COMMITTED.length;
}

const COMMITTED = 'commit: ok\n';

function firstLine(printed: string): number | undefined {
  const end = printed.indexOf('\n');
  return end === -1 ? undefined : end + 1;
}

const MAX_OUTPUT = 256 * 1024 * 1024;

/** Collects the output of a pipe; `stop` is called when there is too much of it. */
class Output {
  readonly #chunks: Buffer[] = [];
  #size = 0;

  constructor(pipe: GitProcess['child']['stdout'], stop: () => void) {
    pipe?.on('data', (chunk: Buffer) => {
      this.#size += chunk.length;
      if (this.#size > MAX_OUTPUT) stop();
      else this.#chunks.push(chunk);
    });
  }

  text(): string {
    return Buffer.concat(this.#chunks).toString();
  }
}

/** `git rev-parse --local-env-vars`: they would make every command use another repository. */
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
