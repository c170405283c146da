import type { LocalClock } from './local-clock.ts';

/** A tick on the time axis. */
export interface Tick {
  /** Unix milliseconds. */
  readonly at: number;
  readonly label: string;
  /** The day, if it is another one than at the tick before. */
  readonly day: string | null;
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const STEPS = [
  ...[1, 2, 5, 10, 15, 30].map((count) => count * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((count) => count * MINUTE),
  ...[1, 2, 3, 6, 12].map((count) => count * HOUR),
  ...[1, 2, 7, 14, 28].map((count) => count * DAY),
];

/** Ticks from `start` to `end` at round local times, at most `most` of them. */
export function ticks(start: number, end: number, most: number, clock: LocalClock): Tick[] {
  const step = stepFor(end - start, most);
  const found: Tick[] = [];
  let day = '';
  for (let at = firstTick(start, step, clock); at <= end; at = nextTick(at, step, clock)) {
    const today = clock.day(at);
    const label = step < MINUTE ? clock.second(at) : clock.minute(at);
    found.push({ at, label, day: today === day ? null : today });
    day = today;
  }
  return found;
}

/** In a span of n steps there are up to n + 1 ticks. */
function stepFor(span: number, most: number): number {
  const least = span / Math.max(1, most - 1);
  const step = STEPS.find((each) => each >= least);
  return step ?? Math.ceil(least / DAY) * DAY;
}

function firstTick(start: number, step: number, clock: LocalClock): number {
  const offset = clock.offset(start);
  return Math.ceil((start + offset) / step) * step - offset;
}

/** Keeps long steps at round times when the clocks change. Short steps need no help. */
function nextTick(at: number, step: number, clock: LocalClock): number {
  const next = at + step;
  return step <= 2 * HOUR ? next : next + clock.offset(at) - clock.offset(next);
}
