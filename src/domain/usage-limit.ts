/** One window of an account's usage limits, as the API told of it last. */
export interface UsageWindow {
  /**
   * The API's name: `five_hour`, `seven_day`, `seven_day_opus`, …; with `api_` before it (`api_input_tokens`) what an
   * API key may use in a minute, which is throttling and no plan's limit.
   */
  readonly name: string;
  /** The share that is used, from 0 to 1 and beyond; null where only the window's name and reset are known. */
  readonly utilization: number | null;
  readonly status: 'allowed' | 'allowed_warning' | 'rejected';
  /** Unix milliseconds; null where the API did not say. */
  readonly resetsAt: number | null;
}

/** What the API said of an account's limits, in one reply. */
export interface LimitObservation {
  /** Empty where nothing is known but that the request was refused or allowed. */
  readonly windows: readonly UsageWindow[];
  /** Use beyond the plan is allowed and being paid for: windows that are `rejected` refuse nothing. */
  readonly overageInUse: boolean;
  /** A request was refused because of a usage limit. */
  readonly refused: boolean;
}

/** A time in which nothing may start on an account. Unix milliseconds. */
export interface LimitPause {
  readonly since: number;
  readonly until: number;
  /** The window that is exhausted and resets last; null where the API did not say. */
  readonly window: string | null;
}

const WINDOW_WORDS: Readonly<Record<string, string>> = {
  five_hour: '5-hour',
  seven_day: 'weekly',
  overage: 'extra usage',
};

const WEEKLY = 'seven_day_';

/**
 * A window of usage limits as people call it: `5-hour`, `weekly`, `weekly Opus`; what the API calls it where nothing
 * is known of it.
 */
export function describeWindow(window: string): string {
  const known = Object.hasOwn(WINDOW_WORDS, window) ? WINDOW_WORDS[window] : undefined;
  if (known !== undefined) return known;
  if (!window.startsWith(WEEKLY) || window.length === WEEKLY.length) return window;
  const rest = window.slice(WEEKLY.length).replaceAll('_', ' ');
  return `weekly ${rest.charAt(0).toUpperCase()}${rest.slice(1)}`;
}

/** The limit of these windows in a sentence: `the 5-hour usage limit`; `the usage limit` where none is known by name. */
export function describeLimit(windows: readonly (string | null)[]): string {
  const names = windows.flatMap((name) =>
    name === null || name === 'unknown' ? [] : [describeWindow(name)],
  );
  return names.length === 0 ? 'the usage limit' : `the ${names.join(' and ')} usage limit`;
}

const HOUR_MS = 3_600_000;
const LONGEST_MS = 8 * 24 * HOUR_MS;
/** A reset that is further away was never meant as one: milliseconds taken for seconds, for instance. */
const ABSURD_MS = 366 * 24 * HOUR_MS;

/**
 * How long a refusal holds: until the latest reset among the windows that are exhausted. Undefined where nothing was
 * refused. A reset that is missing, past or absurd counts as one in an hour; none counts as more than eight days away.
 */
export function computePause(observation: LimitObservation, now: number): LimitPause | undefined {
  return deadlineOf(observation, now)?.pause;
}

/**
 * The pause that holds after an observation, where `pause` was there before; undefined if none does. It may become
 * longer, never shorter; and what is only a guess of the reset adds nothing to a pause that holds already.
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

/** Whether a refusal that was told of some time ago still holds by what it says itself. */
export function isStillInForce(observation: LimitObservation, now: number): boolean {
  return deadlineOf(observation, now)?.isGuess === false;
}

/** When a reset can be believed, Unix milliseconds; null where it is missing, past or absurd. */
export function plausibleReset(resetsAt: number | null, now: number): number | null {
  if (resetsAt === null || !Number.isFinite(resetsAt)) return null;
  return resetsAt > now && resetsAt <= now + ABSURD_MS ? resetsAt : null;
}

interface Deadline {
  readonly pause: LimitPause;
  /** No exhausted window said when it resets. */
  readonly isGuess: boolean;
}

function deadlineOf({ windows, refused, overageInUse }: LimitObservation, now: number): Deadline | undefined {
  if (!refused || overageInUse) return undefined;
  let latest: Deadline | undefined;
  for (const { name, status, resetsAt } of windows) {
    // What may be used beyond the plan is no limit of its own: the plan's reset lets work go on.
    if (status !== 'rejected' || name === 'overage') continue;
    const reset = plausibleReset(resetsAt, now);
    const until = reset === null ? now + HOUR_MS : Math.min(reset, now + LONGEST_MS);
    if (latest === undefined || until > latest.pause.until)
      latest = { pause: { since: now, until, window: name }, isGuess: reset === null };
  }
  return latest ?? { pause: { since: now, until: now + HOUR_MS, window: null }, isGuess: true };
}

/** Whether a window is one of a plan, which people share with the tool, and not the throttling of a key. */
export function isPlanWindow({ name }: Pick<UsageWindow, 'name'>): boolean {
  return !name.startsWith('api_');
}

/**
 * When an API account that has reached the monthly limit its owner set may be used again, Unix milliseconds;
 * undefined where the API's message says nothing of that kind.
 */
export function parseSpendingReset(message: string): number | undefined {
  const [, day, time = '00:00'] =
    /usage limits.*regain access on (\d{4}-\d{2}-\d{2})(?: at (\d{2}:\d{2}) UTC)?/s.exec(message) ?? [];
  const at = day === undefined ? NaN : Date.parse(`${day}T${time}:00Z`);
  return Number.isNaN(at) ? undefined : at;
}

/** The refusal of an API account that has reached its monthly limit; `regainedAt` in Unix milliseconds. */
export function observeSpendingLimit(regainedAt: number): LimitObservation {
  const name = 'monthly_spend';
  return {
    windows: [{ name, utilization: 1, status: 'rejected', resetsAt: regainedAt }],
    overageInUse: false,
    refused: true,
  };
}
