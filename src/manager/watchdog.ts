/** Why a call was aborted: by the user, at its timeout, or after a silence. */
type AbortCause = 'interrupted' | 'timeout' | 'silence';

/** Watches over one call. */
export interface Watchdog {
  /** Aborts when the call must end. */
  readonly signal: AbortSignal;
  /** Undefined while the call may continue. */
  readonly cause: AbortCause | undefined;
  /** Records that the other side sent something: the time of silence starts again. */
  heard(): void;
  stop(): void;
}

/** Starts both timers, in milliseconds. */
export function startWatchdog(outer: AbortSignal, timeoutMs: number, silenceMs: number): Watchdog {
  const controller = new AbortController();
  let cause: AbortCause | undefined;
  const end = (why: AbortCause): void => {
    cause ??= why;
    controller.abort();
  };
  const interrupt = (): void => end('interrupted');
  const total = setTimeout(() => end('timeout'), timeoutMs);
  const silence = setTimeout(() => end('silence'), silenceMs);
  outer.addEventListener('abort', interrupt, { once: true });
  if (outer.aborted) interrupt();
  return {
    signal: controller.signal,
    get cause() {
      return cause;
    },
    heard: () => void silence.refresh(),
    stop() {
      clearTimeout(total);
      clearTimeout(silence);
      outer.removeEventListener('abort', interrupt);
    },
  };
}
