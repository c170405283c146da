import { Failed } from '../domain/failure.ts';
import { EXIT, type Cli } from './cli.ts';

/** What each signal makes the process exit with. */
export const SIGNAL_EXIT = { SIGINT: EXIT.interrupted, SIGTERM: 143, SIGHUP: 129 } as const;

/**
 * Runs `work` with a signal that aborts at the first Ctrl-C or SIGTERM; what comes of it then is dropped, and the
 * command fails as `interrupted`. A second Ctrl-C does not wait for `work` to end.
 *
 * `kept` says what state the interruption leaves behind, for the message.
 */
export async function interruptible<T>(
  cli: Cli,
  kept: string,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const interrupted = (): Failed => new Failed({ reason: 'interrupted', message: `Interrupted. ${kept}` });
  let stopListening = (): void => undefined;
  const impatient = new Promise<never>((_, reject) => {
    stopListening = cli.onSignal((signal) => {
      cli.exitCode = SIGNAL_EXIT[signal];
      if (controller.signal.aborted) reject(interrupted());
      controller.abort();
    });
  });
  try {
    const value = await Promise.race([work(controller.signal), impatient]);
    if (!controller.signal.aborted) return value;
  } catch (error) {
    if (!controller.signal.aborted) throw error;
  } finally {
    stopListening();
  }
  throw interrupted();
}

/** A command's two answers to being interrupted. */
export interface Interrupt {
  /** Aborts at the first Ctrl-C or SIGTERM: end what runs, save, and say what was done. */
  readonly stop: AbortSignal;
  /** Aborts at the second: now. */
  readonly hurry: AbortSignal;
  /** What the process exits with because of it; undefined if there was no interrupt. */
  readonly exitCode: () => number | undefined;
  /** Gives the signals back. */
  readonly release: () => void;
}

/** Listens for interrupts until it is released. */
export function twoStageInterrupt(cli: Cli): Interrupt {
  const stop = new AbortController();
  const hurry = new AbortController();
  let exitCode: number | undefined;
  const release = cli.onSignal((signal) => {
    exitCode ??= SIGNAL_EXIT[signal];
    if (stop.signal.aborted) hurry.abort();
    else stop.abort();
  });
  return { stop: stop.signal, hurry: hurry.signal, exitCode: () => exitCode, release };
}
