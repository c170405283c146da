import { Failed } from '../failure.ts';
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
