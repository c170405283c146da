import type { Stamped } from '../domain/event.ts';

/** Receives the events of a run: a display, a log, a notifier. It can neither slow down nor fail the run. */
export interface Reporter {
  report(event: Stamped): void;
  /** Resolves when everything reported so far was written or sent, or cannot be. */
  close(): Promise<void>;
}
