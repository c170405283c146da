import { Failed } from '../domain/failure.ts';
import type { Services } from './services.ts';

type Interruptible = Pick<Services, 'onInterrupt'>;

/**
 * Runs `work` with a signal that aborts at the first interrupt; what comes of it then is dropped, and the use case fails
 * as `interrupted`. A second interrupt does not wait for `work` to end.
 *
 * `kept` says what state the interruption leaves behind, for the message.
 */
export async function interruptible<T>(
  services: Interruptible,
  kept: string,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const interrupted = (): Failed => new Failed({ reason: 'interrupted', message: `Interrupted. ${kept}` });
  let stopListening = (): void => undefined;
  const impatient = new Promise<never>((_, reject) => {
    stopListening = services.onInterrupt(() => {
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

/** The two answers to being interrupted. */
export interface Interrupt {
  /** Aborts at the first one: end what runs, save, and report what was done. */
  readonly stop: AbortSignal;
  /** Aborts at the second: now. */
  readonly hurry: AbortSignal;
  /** Stops listening. */
  readonly release: () => void;
}

/** Listens for interrupts until it is released. */
export function listenForInterrupts(services: Interruptible): Interrupt {
  const stop = new AbortController();
  const hurry = new AbortController();
  const release = services.onInterrupt(() => {
    if (stop.signal.aborted) hurry.abort();
    else stop.abort();
  });
  return { stop: stop.signal, hurry: hurry.signal, release };
}
