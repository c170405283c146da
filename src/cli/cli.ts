import type { Readable } from 'node:stream';

/** The part of a terminal stream that the tool uses. */
export interface Output {
  write(text: string | Uint8Array): boolean;
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  on(event: 'error' | 'resize' | 'drain', listener: (error: Error) => void): unknown;
  off(event: 'error' | 'resize' | 'drain', listener: (error: Error) => void): unknown;
}

/** Everything the commands take from the process they run in; only `main.ts` makes one. */
export interface Cli {
  readonly argv: readonly string[];
  /** The environment as it was given, without `.env`. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly pid: number;
  readonly platform: NodeJS.Platform;
  readonly nodeVersion: string;
  readonly nodePath: string;
  /** The file that was started, for commands that start the tool again. */
  readonly scriptPath: string;
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Output;
  readonly stderr: Output;
  /** Calls `listener` at each SIGINT, SIGTERM and SIGHUP until the returned function is called. */
  onSignal(listener: (signal: 'SIGINT' | 'SIGTERM' | 'SIGHUP') => void): () => void;
  /** Sends a signal to a process, to a whole group where `pid` is negative; throws if there is none. */
  readonly kill: (pid: number, signal: NodeJS.Signals) => void;
  /** What the process will exit with; 0 until a command says otherwise. */
  exitCode: number;
}

/** Exit codes, as documented in the README. */
export const EXIT = {
  done: 0,
  tasksFailed: 1,
  usage: 2,
  usageLimit: 3,
  overBudget: 4,
  notAuthenticated: 5,
  notDelivered: 6,
  bug: 70,
  interrupted: 130,
} as const;
