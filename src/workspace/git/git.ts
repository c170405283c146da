import { randomUUID } from 'node:crypto';
import { WorkerPool } from '../../domain/worker-pool.ts';
import { GitSession, startGit, type GitProcess, type ReplyLength } from './git-process.ts';
import { OWN_ACTION } from './reflog.ts';

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

/** How a byte that is not UTF-8 reads in the output of git. */
export const NOT_UTF8 = '\uFFFD';

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
  readonly #reader = new GitSession(() => this.#start(READER, {}, 'pipe'));
  readonly #mover = new GitSession(() => this.#start(MOVER, {}, 'pipe'));
  readonly #moves = new WorkerPool(1);
  readonly #writer = new GitSession(() => this.#start(WRITER, {}, 'pipe'));
  /** By what they look for in the lines. */
  readonly #differs = new Map<string, { readonly partner: GitSession; readonly turns: WorkerPool }>();

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
    const { input = '' } = options;
    const { child, ended } = this.#start(args, options, input === '' ? 'ignore' : 'pipe');
    const stop = (): boolean => child.kill();
    const [stdout, stderr] = [new Output(child.stdout, stop), new Output(child.stderr, stop)];
    child.stdin?.end(input);
    const { exitCode, reason } = await ended;
    if (exitCode === null) throw new GitFailed(args, { exitCode: -1, stdout: '', stderr: reason });
    return { exitCode, stdout: stdout.text(), stderr: stderr.text() };
  }

  /** The id of what a name stands for, such as `refs/heads/main^{commit}`; undefined where there is no such thing. */
  async find(name: string): Promise<string | undefined> {
    if (name.includes('\n')) return undefined;
    const text = await ask(this.#reader, READER, `info ${name}\n`, firstLine);
    return /^([0-9a-f]{40,64}) \w+ \d+\n$/.exec(text)?.[1];
  }

  /** The id of the commit that a name stands for. */
  commitAt(name: string): Promise<string | undefined> {
    return this.find(`${name}^{commit}`);
  }

  /** The id of a commit's tree; throws `GitFailed` where there is no such commit. */
  async treeOf(commit: string): Promise<string> {
    const tree = await this.find(`${commit}^{tree}`);
    if (tree !== undefined) return tree;
    throw new GitFailed(READER, { exitCode: 1, stdout: '', stderr: `${commit} has no tree` });
  }

  /**
   * The files that differ between two trees, relative to the repository; with `pattern` those in which lines that match
   * it came or went.
   */
  async differing(from: string, to: string, pattern = ''): Promise<string[]> {
    const args = [...DIFFER, ...(pattern === '' ? [] : [`-G${pattern}`])];
    const differ = this.#differs.get(pattern) ?? {
      partner: new GitSession(() => this.#start(args, {}, 'pipe')),
      turns: new WorkerPool(1),
    };
    this.#differs.set(pattern, differ);
    // What is no tree is repeated, and comes after all names.
    const end = `${randomUUID()}\n`;
    const isWhole: ReplyLength = (printed) => (printed.endsWith(end) ? printed.length : undefined);
    const text = await differ.turns.run(() => ask(differ.partner, args, `${from} ${to}\n${end}`, isWhole));
    const head = `${from} ${to}\n`;
    if (!text.startsWith(head))
      throw new GitFailed(args, { exitCode: 1, stdout: '', stderr: `${from} or ${to} is no tree` });
    const names = text.slice(head.length, -end.length).split('\0');
    return names.filter((name) => name !== '');
  }

  /** Writes what a file holds as a commit, and returns its id. */
  async writeCommit(file: string): Promise<string> {
    return (await ask(this.#writer, WRITER, `${file}\n`, firstLine)).trimEnd();
  }

  /** Moves refs, all of them or none; the commands are those of `git update-ref --stdin`. Throws where git refuses. */
  async moveRefs(commands: readonly string[]): Promise<void> {
    const moved = await this.tryMoveRefs(commands);
    if (moved.exitCode !== 0) throw new GitFailed([...MOVER, ...commands], moved);
  }

  /** The same, where a refusal is an answer. */
  async tryMoveRefs(commands: readonly string[]): Promise<GitResult> {
    const request = ['start', ...commands, 'prepare', 'commit', ''].join('\n');
    // A refusal ends the git that has to answer, so none is asked before the one before it is answered.
    const answer = await this.#moves.run(() => this.#mover.ask(request, wholeTransaction));
    if (answer.kind === 'reply') return { exitCode: 0, stdout: answer.text, stderr: '' };
    const { end, stderr } = answer;
    if (end.exitCode !== null && end.exitCode !== 0) return { exitCode: end.exitCode, stdout: '', stderr };
    throw new GitFailed(MOVER, { exitCode: -1, stdout: '', stderr: end.reason });
  }

  /** Hands over what a command prints, unchanged and no faster than it is taken; `signal` ends the command. */
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

  /** Runs a job that writes files which git keeps once for all worktrees; one such job at a time. */
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
      const said = error instanceof Error ? error.message : String(error);
      throw new GitFailed(args, { exitCode: -1, stdout: '', stderr: said });
    }
  }
}

/** Sees what is written while it runs, packed or not. */
const READER = ['cat-file', '--batch-command'];

const DIFFER = ['diff-tree', '--stdin', '-r', '-z', '--name-only', '--no-renames'];
const WRITER = ['hash-object', '-t', 'commit', '-w', '--stdin-paths'];

/** What is asked here may be asked twice. */
async function ask(
  partner: GitSession,
  args: readonly string[],
  request: string,
  measure: ReplyLength,
): Promise<string> {
  let answer = await partner.ask(request, measure);
  // Whoever ended it may have meant another question than this one.
  if (answer.kind === 'ended') answer = await partner.ask(request, measure);
  if (answer.kind === 'reply') return answer.text;
  const { end, stderr } = answer;
  throw new GitFailed(args, { exitCode: end.exitCode ?? -1, stdout: '', stderr: stderr || end.reason });
}

/** Git's log of a worktree's HEAD tells moves of ours from those of its worker. */
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

/** All that a pipe brings; `stop` is called where that gets too much. */
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
