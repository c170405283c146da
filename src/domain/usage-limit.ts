/** One window of an account's usage limits, as the API reported it last. */
export interface UsageWindow {
  /**
   * The API's name: `five_hour`, `seven_day`, `seven_day_opus`, … A name that begins with `api_` (`api_input_tokens`) is
   * the throttling of an API key by the minute, and not a limit of a plan.
   */
  readonly name: string;
  /** The used share, from 0 to 1 and beyond; null where only the window's name and reset are known. */
  readonly utilization: number | null;
  readonly status: 'allowed' | 'allowed_warning' | 'rejected';
  /** Unix milliseconds; null where the API did not say. */
  readonly resetsAt: number | null;
}

/** What one reply of the API says about an account's limits. */
export interface LimitObservation {
  /** Empty where the reply only says that the request was refused or allowed. */
  readonly windows: readonly UsageWindow[];
  /** Use beyond the plan is allowed and paid for: windows that are `rejected` do not refuse requests. */
  readonly overageInUse: boolean;
  /** A request was refused because of a usage limit. */
  readonly refused: boolean;
}

/** A time in which nothing may start on an account, in Unix milliseconds. */
export interface LimitPause {
  readonly since: number;
  readonly until: number;
  /** The exhausted window that resets last; null where the API did not say. */
  readonly window: string | null;
}

const WINDOW_WORDS: Readonly<Record<string, string>> = {
  five_hour: '5-hour',
  seven_day: 'weekly',
  overage: 'extra usage',
};

const WEEKLY = 'seven_day_';

/** The name of a window for people: `5-hour`, `weekly`, `weekly Opus`; the API's name for an unknown window. */
export function describeWindow(window: string): string {
  const known = Object.hasOwn(WINDOW_WORDS, window) ? WINDOW_WORDS[window] : undefined;
  if (known !== undefined) return known;
  if (!window.startsWith(WEEKLY) || window.length === WEEKLY.length) return window;
  const rest = window.slice(WEEKLY.length).replaceAll('_', ' ');
  return `weekly ${rest.charAt(0).toUpperCase()}${rest.slice(1)}`;
}

/** The limit of these windows for a sentence: `the 5-hour usage limit`; `the usage limit` where no name is known. */
export function describeLimit(windows: readonly (string | null)[]): string {
  const names = windows.flatMap((name) =>
    name === null || name === 'unknown' ? [] : [describeWindow(name)],
  );
  return names.length === 0 ? 'the usage limit' : `the ${names.join(' and ')} usage limit`;
}

const HOUR_MS = 3_600_000;
const LONGEST_MS = 8 * 24 * HOUR_MS;
/** A reset that is further away is an error, such as milliseconds in the place of seconds. */
const ABSURD_MS = 366 * 24 * HOUR_MS;

/**
 * Computes the pause that follows from a refusal: until the latest reset among the exhausted windows; undefined where
 * nothing was refused. A reset that is missing, past or absurd counts as one in an hour, and the pause is at most eight
 * days long.
 */
export function computePause(observation: LimitObservation, now: number): LimitPause | undefined {
  return deadlineOf(observation, now)?.pause;
}

/**
 * Computes the pause after an observation, given the `pause` before; undefined if there is none. A pause may become
 * longer, never shorter. A guessed reset does not extend a pause.
 */
export function extendPause(
  pause: LimitPause | undefined,
  observation: LimitObservation,
  now: number,
): LimitPause | undefined {
  const held = pause !== undefined && pause.until > now ? pause : undefined;
  const deadline = deadlineOf(observation, now);
  if (deadline === undefined) return held;
  if (held === undefined) return deadline.pause;
  if (deadline.isGuess || deadline.pause.until <= held.until) return held;
  return { ...deadline.pause, since: held.since };
}

/** Whether an earlier refusal is still in force, by its own reset. */
export function isStillInForce(observation: LimitObservation, now: number): boolean {
  return deadlineOf(observation, now)?.isGuess === false;
}

/** The reset in Unix milliseconds; null where it is missing, past or absurd. */
export function plausibleReset(resetsAt: number | null, now: number): number | null {
  if (resetsAt === null || !Number.isFinite(resetsAt)) return null;
  return resetsAt > now && resetsAt <= now + ABSURD_MS ? resetsAt : null;
}

interface Deadline {
  readonly pause: LimitPause;
  /** No exhausted window has a known reset. */
  readonly isGuess: boolean;
}

function deadlineOf({ windows, refused, overageInUse }: LimitObservation, now: number): Deadline | undefined {
  if (!refused || overageInUse) return undefined;
  let latest: Deadline | undefined;
  for (const { name, status, resetsAt } of windows) {
    // Usage beyond the plan is no limit of its own: work continues at the plan's reset.
    if (status !== 'rejected' || name === 'overage') continue;
    const reset = plausibleReset(resetsAt, now);
    const until = reset === null ? now + HOUR_MS : Math.min(reset, now + LONGEST_MS);
    if (latest === undefined || until > latest.pause.until)
      latest = { pause: { since: now, until, window: name }, isGuess: reset === null };
  }
  return latest ?? { pause: { since: now, until: now + HOUR_MS, window: null }, isGuess: true };
}

/** Whether a window belongs to a plan, which people share with the tool, and is not the throttling of a key. */
export function isPlanWindow({ name }: Pick<UsageWindow, 'name'>): boolean {
  return !name.startsWith('api_');
}

/**
 * Reads from the API's message when an account that has reached its owner's monthly limit may be used again, in Unix
 * milliseconds; undefined for any other message.
 */
export function parseSpendingReset(message: string): number | undefined {
  const [, day, time = '00:00'] =
    /usage limits.*regain access on (\d{4}-\d{2}-\d{2})(?: at (\d{2}:\d{2}) UTC)?/s.exec(message) ?? [];
  const at = day === undefined ? NaN : Date.parse(`${day}T${time}:00Z`);
  return Number.isNaN(at) ? undefined : at;
}

/** Makes the observation of an API account that has reached its monthly limit; `regainedAt` in Unix milliseconds. */
export function observeSpendingLimit(regainedAt: number): LimitObservation {
  const name = 'monthly_spend';
  return {
    windows: [{ name, utilization: 1, status: 'rejected', resetsAt: regainedAt }],
    overageInUse: false,
    refused: true,
  };
}
