/** Tells the time of one time zone. All times are Unix milliseconds. */
export interface LocalClock {
  /** The zone's name, such as `Europe/Berlin`. */
  readonly zone: string;
  /** How far the zone is ahead of UTC at a time, in milliseconds. */
  offset(at: number): number;
  /** `23:05`. */
  minute(at: number): string;
  /** `23:05:09`. */
  second(at: number): string;
  /** `Tue 3 Mar`. */
  day(at: number): string;
  /** `Tue 3 Mar 2026, 23:05`. */
  moment(at: number): string;
}

/** The clock of a time zone by its IANA name; of UTC if there is no such zone. */
export function localClock(timeZone: string): LocalClock {
  const format = formatOf(timeZone) ?? formatIn('UTC');
  const read = (at: number): Record<string, string> =>
    Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, value]));
  const clock: LocalClock = {
    zone: format.resolvedOptions().timeZone,
    offset: (at) => {
      const { year, month, day, hour, minute, second } = read(at);
      const local = `${year}-${MONTHS[month ?? '']}-${day?.padStart(2, '0')}T${hour}:${minute}:${second}Z`;
      return Date.parse(local) - Math.floor(at / 1000) * 1000;
    },
    minute: (at) => clock.second(at).slice(0, 5),
    second: (at) => {
      const { hour, minute, second } = read(at);
      return `${hour}:${minute}:${second}`;
    },
    day: (at) => {
      const { weekday, day, month } = read(at);
      return `${weekday} ${day} ${month}`;
    },
    moment: (at) => `${clock.day(at)} ${read(at)['year']}, ${clock.minute(at)}`,
  };
  return clock;
}

const MONTHS: Readonly<Record<string, string>> = {
  Jan: '01',
  Feb: '02',
  Mar: '03',
  Apr: '04',
  May: '05',
  Jun: '06',
  Jul: '07',
  Aug: '08',
  Sep: '09',
  Oct: '10',
  Nov: '11',
  Dec: '12',
};

function formatOf(timeZone: string): Intl.DateTimeFormat | undefined {
  try {
    return formatIn(timeZone);
  } catch {
    return undefined;
  }
}

function formatIn(timeZone: string): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'short',
    day: 'numeric',
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  });
}
