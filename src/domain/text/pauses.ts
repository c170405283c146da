import type { PauseReason, Stamped } from '../event.ts';
import { formatClock, formatDue } from './clock.ts';
import { displayWidth, neutralise, truncate } from './display-text.ts';
import { windowName } from './usage-windows.ts';

/** A time in which a run starts nothing. Times in Unix milliseconds. */
export interface Pause {
  readonly reason: PauseReason;
  readonly since: number;
  /** When the next try is. */
  readonly until: number;
  /** One sentence, safe to print. */
  readonly message: string;
}

/** Why a run waits, in a word or two. */
export const PAUSE_WORDS: Readonly<Record<PauseReason, string>> = {
  'usage-limit': 'usage limit',
  reserve: 'usage reserve',
  pacing: 'too little usage left',
  outage: 'outage',
};

/** Follows the pauses of a run by its events. */
export class Pauses {
  #current: Pause | null = null;
  #atEnd: Pause | null = null;
  #overMs = 0;

  apply(event: Stamped): void {
    const at = Date.parse(event.at);
    switch (event.type) {
      case 'run-paused': {
        const { reason, until, message } = event;
        const since = this.#current?.since ?? at;
        this.#current = { reason, since, until: Date.parse(until), message: neutralise(message) };
        break;
      }
      case 'run-started':
        this.#atEnd = null;
        this.#end(at);
        break;
      case 'run-resumed':
        this.#end(at);
        break;
      case 'run-ended':
        this.#atEnd = this.#current;
        this.#end(at);
        break;
      default:
    }
  }

  /** The pause that lasts; null while work may start. */
  get current(): Pause | null {
    return this.#current;
  }

  /** The pause in which the run ended, if it did. */
  get atEnd(): Pause | null {
    return this.#atEnd;
  }

  /** How long all pauses were together, by that time (Unix milliseconds). */
  totalMs(now: number): number {
    return this.#overMs + (this.#current === null ? 0 : Math.max(0, now - this.#current.since));
  }

  #end(at: number): void {
    this.#overMs = this.totalMs(at);
    this.#current = null;
  }
}

/** A pause that is only said again with nearly the same end is no news. */
const SAME_END_MS = 60_000;

/** Tells of every event whether it is worth a line: a pause that is said again with nearly the same end is not. */
export function pauseNews(): (event: Stamped) => boolean {
  let told: { reason: PauseReason; until: number } | null = null;
  return (event) => {
    if (event.type === 'run-resumed' || event.type === 'run-started') told = null;
    if (event.type !== 'run-paused') return true;
    const until = Date.parse(event.until);
    if (told?.reason === event.reason && Math.abs(until - told.until) < SAME_END_MS) return false;
    told = { reason: event.reason, until };
    return true;
  };
}

/**
 * A pause in one line of at most `columns` cells, as much of it as fits: `Paused: usage limit (5-hour) · goes on at
 * 14:30, in 1 h 12 min`. Times in Unix milliseconds; `window` is the API's name of the one that is exhausted.
 */
export function describePause(
  pause: { readonly reason: PauseReason; readonly until: number; readonly window: string | null },
  now: number,
  columns: number,
): string {
  const { reason, until, window } = pause;
  const why = PAUSE_WORDS[reason];
  const due = formatDue(until, now);
  const goesOn = reason === 'outage' ? `tries again at ${due}` : `goes on at ${due}`;
  const versions = [
    ...(window === null ? [] : [`Paused: ${why} (${windowName(window)}) · ${goesOn}`]),
    `Paused: ${why} · ${goesOn}`,
    `Paused until ${due}`,
    `Paused until ${formatClock(until, now)}`,
  ];
  const fitting = versions.find((version) => displayWidth(version) <= columns);
  return fitting ?? truncate(versions.at(-1) ?? '', columns);
}
