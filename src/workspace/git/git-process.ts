import { spawn, type ChildProcess } from 'node:child_process';
import { Socket } from 'node:net';

/** Where git is started, and its whole environment. */
export interface GitPlace {
  readonly directory: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** How a git process ended. Without an exit code, it could not be started or was killed. */
interface GitEnd {
  readonly exitCode: number | null;
  /** Why there is no exit code. */
  readonly reason: string;
}

/** A git process. */
export interface GitProcess {
  /** It has no pipes where it could not be started. */
  readonly child: Partial<Pick<ChildProcess, 'stdin' | 'stdout' | 'stderr'>> &
    Pick<ChildProcess, 'kill' | 'ref' | 'unref'>;
  /** Resolves when the process is gone and its pipes are closed. */
  readonly ended: Promise<GitEnd>;
}

/**
 * Starts git in a process group of its own, because neither Ctrl-C in the terminal nor a kill of this process may
 * interrupt it. Throws where it cannot be started at all, such as with a command line that is too long.
 *
 * It does not use execa, which takes more than twice the processor time: many git processes are started.
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
  // A git that ends before it has read all of its input says why by its exit code.
  started.child.stdin?.on('error', () => undefined);
  return started;
}

/** The answer to a request: what git printed for it, or how git ended instead, with its error output. */
export type Answer =
  | { readonly kind: 'reply'; readonly text: string }
  | { readonly kind: 'ended'; readonly end: GitEnd; readonly stderr: string };

/** Returns the length of the first reply in the text printed so far; undefined where the reply is not complete. */
export type ReplyLength = (printed: string) => number | undefined;

/** How long an idle git is kept, in milliseconds. A worker may be at work for an hour until the next request. */
const IDLE_MS = 2000;
const MAX_STDERR = 4096;

/**
 * A git process that answers one request after the other. It is started with the first request. It does not keep this
 * process alive, and it ends when this process ends, however that ends, because its input is closed then.
 */
export class GitSession {
  readonly #start: () => GitProcess;
  #process: SessionProcess | undefined;

  constructor(start: () => GitProcess) {
    this.#start = start;
  }

  ask(request: string, measure: ReplyLength): Promise<Answer> {
    if (this.#process?.isGone !== false) this.#process = new SessionProcess(this.#start());
    return this.#process.ask(request, measure);
  }
}

interface Question {
  readonly measure: ReplyLength;
  readonly resolve: (answer: Answer) => void;
}

class SessionProcess {
  isGone = false;
  readonly #process: GitProcess;
  readonly #waiting: Question[] = [];
  #printed = '';
  #stderr = '';
  #idle: NodeJS.Timeout | undefined;

  constructor(process: GitProcess) {
    this.#process = process;
    const { child, ended } = process;
    child.stdout?.setEncoding('utf8').on('data', (text: string) => this.#read(text));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-MAX_STDERR);
    });
    void ended.then((end) => this.#end(end));
  }

  ask(request: string, measure: ReplyLength): Promise<Answer> {
    if (this.#waiting.length === 0) this.#hold(true);
    return new Promise((resolve) => {
      this.#waiting.push({ measure, resolve });
      this.#process.child.stdin?.write(request);
    });
  }

  #read(text: string): void {
    this.#printed += text;
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      const length = next.measure(this.#printed);
      if (length === undefined) return;
      this.#waiting.shift();
      next.resolve({ kind: 'reply', text: this.#printed.slice(0, length) });
      this.#printed = this.#printed.slice(length);
    }
    this.#hold(false);
  }

  #end(end: GitEnd): void {
    this.isGone = true;
    clearTimeout(this.#idle);
    for (const { resolve } of this.#waiting.splice(0)) resolve({ kind: 'ended', end, stderr: this.#stderr });
  }

  /** Keeps the event loop alive only while somebody waits for an answer. */
  #hold(isAsked: boolean): void {
    clearTimeout(this.#idle);
    const { child } = this.#process;
    const pipes = [child.stdin, child.stdout, child.stderr].filter((pipe) => pipe instanceof Socket);
    for (const handle of [child, ...pipes]) {
      if (isAsked) handle.ref();
      else handle.unref();
    }
    if (isAsked) return;
    this.#stderr = '';
    this.#idle = setTimeout(() => {
      // It ends when it reads the end of its input, so no more requests may be sent to it.
      this.isGone = true;
      child.stdin?.end();
    }, IDLE_MS).unref();
  }
}
