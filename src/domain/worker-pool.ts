/** Runs at most `size` jobs at once, in the order of their arrival. The landing queue is a pool of one. */
export class WorkerPool {
  readonly size: number;
  #running = 0;
  readonly #queue: (() => void)[] = [];

  constructor(size: number) {
    if (!Number.isInteger(size) || size < 1)
      throw new RangeError(`Expected a pool size of at least 1, got ${size}.`);
    this.size = size;
  }

  /** Runs `job` when a place is free, and settles as `job` settles. */
  async run<T>(job: () => Promise<T>): Promise<T> {
    if (this.#running >= this.size) await new Promise<void>((resolve) => this.#queue.push(resolve));
    else this.#running++;
    try {
      return await job();
    } finally {
      // A waiting job takes over the place, so that no later job overtakes it.
      const next = this.#queue.shift();
      if (next === undefined) this.#running--;
      else next();
    }
  }
}
