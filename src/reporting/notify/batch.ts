import type { Notice } from './notice.ts';

/** A notice waits so long for company, and each that comes makes it wait as long again, … */
const QUIET_MS = 5000;
/** … but no longer than this in all. */
const LONGEST_WAIT_MS = 30_000;
const MOST_WAITING = 200;

/** Notices that wait to be told together. Holds no clock: times are Unix milliseconds. */
export class Batch {
  readonly #most: number;
  #waiting: Notice[] = [];
  #dropped = 0;
  #firstAt = 0;
  #lastAt = 0;
  #hurried = false;

  /** Holds at most that many; of more, the oldest are given up, those that can wait before urgent ones. */
  constructor(most = MOST_WAITING) {
    this.#most = most;
  }

  /** When what waits is to be told; undefined where nothing waits. */
  get dueAt(): number | undefined {
    if (this.#waiting.length === 0) return undefined;
    return this.#hurried ? this.#firstAt : Math.min(this.#lastAt + QUIET_MS, this.#firstAt + LONGEST_WAIT_MS);
  }

  /** How many have not been told, those that were given up included. */
  get untold(): number {
    return this.#waiting.length + this.#dropped;
  }

  add(notice: Notice, now: number): void {
    if (this.#waiting.length === 0) this.#firstAt = now;
    this.#lastAt = now;
    this.#hurried ||= notice.urgent;
    this.#waiting.push(notice);
    this.#trim();
  }

  /** Everything that waits, and how many were given up. */
  take(): { readonly notices: readonly Notice[]; readonly dropped: number } {
    const taken = { notices: this.#waiting, dropped: this.#dropped };
    this.#waiting = [];
    this.#dropped = 0;
    this.#hurried = false;
    return taken;
  }

  /** Takes back what could not be told now, before all that came meanwhile; it is due at once. */
  putBack(notices: readonly Notice[], dropped: number, now: number): void {
    this.#dropped += dropped;
    if (notices.length === 0) return;
    this.#waiting.unshift(...notices);
    this.#firstAt = now;
    this.#hurried = true;
    this.#trim();
  }

  /** Counts what was taken and will never be told. */
  giveUp(count: number): void {
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
