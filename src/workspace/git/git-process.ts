import { spawn, type ChildProcess } from 'node:child_process';
import { Socket } from 'node:net';

/** Where git is started, and with what: nothing of our own environment is added. */
export interface GitPlace {
  readonly directory: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** How a git ended; without an exit code it could not be started, or was killed. */
interface GitEnd {
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

/** What came of a request: what git printed for it, or how git ended instead, with what it said then. */
export type Answer =
  | { readonly kind: 'reply'; readonly text: string }
  | { readonly kind: 'ended'; readonly end: GitEnd; readonly stderr: string };

/** Where an answer ends in what was printed since the one before it; undefined where there is more to come. */
export type ReplyLength = (printed: string) => number | undefined;

/** So long after the last request it is ended, in milliseconds: a worker may be at work for an hour now. */
const IDLE_MS = 2000;
const MAX_STDERR = 4096;

/**
 * A git that answers one request after the other, started when there is one. It keeps nobody alive: its input ends with
 * us, however we end, and then it ends.
 */
export class GitSession {
  readonly #start: () => GitProcess;
  #partner: SessionProcess | undefined;

  constructor(start: () => GitProcess) {
    this.#start = start;
  }

  ask(request: string, measure: ReplyLength): Promise<Answer> {
    if (this.#partner?.isGone !== false) this.#partner = new SessionProcess(this.#start());
    return this.#partner.ask(request, measure);
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

  /** Keeps the event loop alive while somebody waits for an answer, and only then. */
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
      // From here on nobody may ask it any more; it ends when it has read this.
      this.isGone = true;
      child.stdin?.end();
    }, IDLE_MS).unref();
  }
}
