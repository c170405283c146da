import type { Notice } from './notice.ts';

/** A message goes out when no further notice has come for this long, … */
const QUIET_MS = 5000;
/** … and at the latest when its first notice has waited this long. */
const LONGEST_WAIT_MS = 30_000;
const MOST_WAITING = 200;

/** Collects notices until they are due to be sent together. It has no clock: times are Unix milliseconds. */
export class NoticeQueue {
  readonly #most: number;
  #waiting: Notice[] = [];
  #dropped = 0;
  #firstAt = 0;
  #lastAt = 0;
  #hasUrgent = false;

  /** Holds at most `most` notices. If more come, the oldest are dropped, urgent ones last. */
  constructor(most = MOST_WAITING) {
    this.#most = most;
  }

  /** When the waiting notices are to be sent; undefined if none waits. */
  get dueAt(): number | undefined {
    if (this.#waiting.length === 0) return undefined;
    return this.#hasUrgent
      ? this.#firstAt
      : Math.min(this.#lastAt + QUIET_MS, this.#firstAt + LONGEST_WAIT_MS);
  }

  /** How many notices were not delivered, those that were dropped included. */
  get undelivered(): number {
    return this.#waiting.length + this.#dropped;
  }

  add(notice: Notice, now: number): void {
    if (this.#waiting.length === 0) this.#firstAt = now;
    this.#lastAt = now;
    this.#hasUrgent ||= notice.urgent;
    this.#waiting.push(notice);
    this.#trim();
  }

  /** Takes out all notices that wait, and how many were dropped. */
  take(): { readonly notices: readonly Notice[]; readonly dropped: number } {
    const taken = { notices: this.#waiting, dropped: this.#dropped };
    this.#waiting = [];
    this.#dropped = 0;
    this.#hasUrgent = false;
    return taken;
  }

  /** Puts back notices that could not be sent, ahead of newer ones. They are due at once. */
  putBack(notices: readonly Notice[], dropped: number, now: number): void {
    this.#dropped += dropped;
    if (notices.length === 0) return;
    this.#waiting.unshift(...notices);
    this.#firstAt = now;
    this.#hasUrgent = true;
    this.#trim();
  }

  /** Counts notices that were taken out and will never be delivered. */
  drop(count: number): void {
    this.#dropped += count;
  }

  #trim(): void {
    while (this.#waiting.length > this.#most) {
      const patient = this.#waiting.findIndex(({ urgent }) => !urgent);
      this.#waiting.splice(Math.max(0, patient), 1);
      this.#dropped++;
    }
  }
}
