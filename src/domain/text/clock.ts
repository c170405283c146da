const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
/** Seconds are shown only below this: a display that ticks for longer would distract. */
const SECONDS_BELOW_MS = 2 * MINUTE_MS;

const STORED_TIME = /\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g;

const WEEKDAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'] as const;
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const;

/**
 * A time in the time zone of the process: `14:30` on the day of `now`, `Tue 14:30` on another day less than a week
 * away, else `Tue 14 Mar 14:30`. Both times are Unix milliseconds.
 */
export function formatClock(time: number, now: number): string {
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return 'an unknown time';
  const clock = `${twoDigits(date.getHours())}:${twoDigits(date.getMinutes())}`;
  const days = Math.abs(dayNumber(date) - dayNumber(new Date(now)));
  if (days === 0) return clock;
  const weekday = WEEKDAYS[date.getDay()] ?? '';
  if (days < 7) return `${weekday} ${clock}`;
  return `${weekday} ${date.getDate()} ${MONTHS[date.getMonth()] ?? ''} ${clock}`;
}

/** A waiting time, rounded up: `45 s`, `12 min`, `2 h 10 min`, `3 d 4 h`; `0 s` once it has passed. */
export function formatWait(milliseconds: number): string {
  const wait = milliseconds > 0 && Number.isFinite(milliseconds) ? milliseconds : 0;
  if (wait <= SECONDS_BELOW_MS) return `${Math.ceil(wait / SECOND_MS)} s`;
  const minutes = Math.ceil(wait / MINUTE_MS);
  if (minutes < 60) return `${minutes} min`;
  if (minutes < 24 * 60) return twoUnits(Math.floor(minutes / 60), 'h', minutes % 60, 'min');
  const hours = Math.ceil(wait / HOUR_MS);
  return twoUnits(Math.floor(hours / 24), 'd', hours % 24, 'h');
}

/** When something is due and how long that is from now: `14:30, in 2 h 10 min`; `14:30, any moment` once it is due. */
export function formatDue(time: number, now: number): string {
  return `${formatClock(time, now)}, ${time > now ? `in ${formatWait(time - now)}` : 'any moment'}`;
}

/** Replaces the stored times (ISO 8601, UTC) in a sentence by times in the reader's time zone. */
export function withClockTimes(
  sentence: string,
  now: number,
  tell = (time: number): string => (time > now ? formatDue(time, now) : formatClock(time, now)),
): string {
  return sentence.replace(STORED_TIME, (moment) => tell(Date.parse(moment)));
}

/** Numbers the calendar days, which may have 23 or 25 hours in local time. */
function dayNumber(date: Date): number {
  return Math.round(Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()) / DAY_MS);
}

function twoUnits(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0');
}
