import type { Stamped } from '../domain/event.ts';
import type { Reporter } from '../reporting/reporter.ts';
import type { TaskStore } from '../store/store.ts';

/** Hands events to a reporter, those of a transaction only when they are stored. */
export class Outbox {
  readonly #store: TaskStore;
  readonly #reporter: Reporter;
  /** The events of the current transaction; null outside of one. */
  #unsent: Stamped[] | null = null;

  constructor(store: TaskStore, reporter: Reporter) {
    this.#store = store;
    this.#reporter = reporter;
  }

  report(event: Stamped): void {
    if (this.#unsent === null) this.#reporter.report(event);
    else this.#unsent.push(event);
  }

  /** Runs `work` in one transaction. If it fails, what it reported is dropped. */
  atomically(work: () => void): void {
    const unsent: Stamped[] = [];
    this.#unsent = unsent;
    try {
      this.#store.atomically(work);
    } finally {
      this.#unsent = null;
    }
    for (const event of unsent) this.#reporter.report(event);
  }
}
