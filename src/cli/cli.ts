import type { Services } from '../app/services.ts';

/** The part of a terminal stream that the tool uses. */
export interface Output {
  write(text: string | Uint8Array): boolean;
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  on(event: 'error' | 'resize' | 'drain', listener: (error: Error) => void): unknown;
  off(event: 'error' | 'resize' | 'drain', listener: (error: Error) => void): unknown;
}

type Signal = 'SIGINT' | 'SIGTERM' | 'SIGHUP';

/** What the command line needs of its process. Only `main.ts` reads `process`. */
export interface CliProcess extends Omit<Services, 'tell' | 'onInterrupt'> {
  readonly argv: readonly string[];
  readonly stdout: Output;
  readonly stderr: Output;
  /** Calls `listener` at each SIGINT, SIGTERM and SIGHUP until the returned function is called. */
  readonly onSignal: (listener: (signal: Signal) => void) => () => void;
}

/** A command line while it runs. */
export interface Cli extends CliProcess, Services {
  /** Replaced once the options are known. */
  tell: Services['tell'];
  /** The exit code of the process; 0 until a command sets another one. */
  exitCode: number;
  /** The exit code if the process ends because of a signal; the first signal decides. */
  interruptExit: number | undefined;
}

/** The command line of a process. */
export function makeCli(process: CliProcess): Cli {
  const cli: Cli = {
    ...process,
    tell: ({ message }) => void process.stderr.write(`${message}\n`),
    onInterrupt: (listener) =>
      process.onSignal((signal) => {
        cli.interruptExit ??= SIGNAL_EXIT[signal];
        listener();
      }),
    exitCode: 0,
    interruptExit: undefined,
  };
  return cli;
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

/** The exit code for each signal. */
const SIGNAL_EXIT: Readonly<Record<Signal, number>> = { SIGINT: EXIT.interrupted, SIGTERM: 143, SIGHUP: 129 };
