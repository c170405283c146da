import type { PauseReason, Stamped } from '../event.ts';
import { formatClock, formatDue } from './clock.ts';
import { displayWidth, neutralise, truncate } from './display-text.ts';
import { windowName } from './usage-windows.ts';

/** A time in which a run starts nothing. All times are Unix milliseconds. */
export interface Pause {
  readonly reason: PauseReason;
  readonly since: number;
  /** When the run tries again. */
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

/** Keeps track of the pauses of a run from its events. */
export class Pauses {
  #current: Pause | null = null;
  #atEnd: Pause | null = null;
  #endedMs = 0;

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

  /** The pause that holds now; null while work may start. */
  get current(): Pause | null {
    return this.#current;
  }

  /** The pause that held when the run ended; null if there was none. */
  get atEnd(): Pause | null {
    return this.#atEnd;
  }

  /** How long all pauses together have lasted by `now` (Unix milliseconds). */
  totalMs(now: number): number {
    return this.#endedMs + (this.#current === null ? 0 : Math.max(0, now - this.#current.since));
  }

  #end(at: number): void {
    this.#endedMs = this.totalMs(at);
    this.#current = null;
  }
}

/** Two ends that are this close together count as the same. */
const SAME_END_MS = 60_000;

/** Makes a filter that rejects a pause that is only reported again, with nearly the same end, and passes all else. */
export function pauseFilter(): (event: Stamped) => boolean {
  let last: { reason: PauseReason; until: number } | null = null;
  return (event) => {
    if (event.type === 'run-resumed' || event.type === 'run-started') last = null;
    if (event.type !== 'run-paused') return true;
    const until = Date.parse(event.until);
    if (last?.reason === event.reason && Math.abs(until - last.until) < SAME_END_MS) return false;
    last = { reason: event.reason, until };
    return true;
  };
}

/**
 * Describes a pause in one line of at most `columns` cells, in as much detail as fits: `Paused: usage limit (5-hour) ·
 * goes on at 14:30, in 1 h 12 min`. Times are Unix milliseconds; `window` is the API's name of the exhausted window.
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
