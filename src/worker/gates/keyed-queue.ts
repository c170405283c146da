/** Runs jobs with the same key one after the other, in the order they came, and jobs with other keys at the same time. */
export class KeyedQueue {
  readonly #last = new Map<string, Promise<void>>();

  /** Settles as `job` settles. Undefined if `signal` aborted before its turn. */
  async run<T>(key: string, job: () => Promise<T>, signal: AbortSignal): Promise<T | undefined> {
    const before = this.#last.get(key) ?? Promise.resolve();
    let done = (): void => undefined;
    const mine = new Promise<void>((resolve) => {
      done = resolve;
    });
    const last = before.then(() => mine);
    this.#last.set(key, last);
    void last.then(() => {
      if (this.#last.get(key) === last) this.#last.delete(key);
    });
    try {
      await untilAborted(before, signal);
      return signal.aborted ? undefined : await job();
    } finally {
      done();
    }
  }
}

async function untilAborted(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const settled = new AbortController();
  const aborted = new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true, signal: settled.signal });
  });
  await Promise.race([promise, aborted]);
  settled.abort();
}
