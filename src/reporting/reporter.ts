import type { Stamped } from '../domain/event.ts';

/** A sink of events: a display, a log, a notifier. It can neither slow nor fail a run. */
export interface Reporter {
  report(event: Stamped): void;
  /** Resolves when everything reported so far is out, or cannot be. */
  close(): Promise<void>;
}
