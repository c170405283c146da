/** Why a call was cut short: by the user, at its total time, or after a silence. */
type AbortCause = 'interrupted' | 'timeout' | 'silence';

/** Watches over one call. */
export interface Watchdog {
  /** Aborts when the call is to be cut short. */
  readonly signal: AbortSignal;
  /** Undefined while the call may go on. */
  readonly cut: AbortCause | undefined;
  /** Tells that the other side was heard: the silence begins anew. */
  heard(): void;
  stop(): void;
}

/** Starts the clocks, in milliseconds; both run from now on. */
export function startWatchdog(outer: AbortSignal, timeoutMs: number, silenceMs: number): Watchdog {
  const controller = new AbortController();
  let cut: AbortCause | undefined;
  const end = (why: AbortCause): void => {
    cut ??= why;
    controller.abort();
  };
  const interrupt = (): void => end('interrupted');
  const total = setTimeout(() => end('timeout'), timeoutMs);
  const silence = setTimeout(() => end('silence'), silenceMs);
  outer.addEventListener('abort', interrupt, { once: true });
  if (outer.aborted) interrupt();
  return {
    signal: controller.signal,
    get cut() {
      return cut;
    },
    heard: () => void silence.refresh(),
    stop() {
      clearTimeout(total);
      clearTimeout(silence);
      outer.removeEventListener('abort', interrupt);
    },
  };
}
