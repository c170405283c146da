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

const HOUR_MS = 3_600_000;
const LONGEST_MS = 8 * 24 * HOUR_MS;
/** A reset that is further away was never meant as one: milliseconds taken for seconds, for instance. */
const ABSURD_MS = 366 * 24 * HOUR_MS;

/**
 * How long a refusal holds: until the latest reset among the windows that are exhausted. Undefined where nothing was
 * refused. A reset that is missing, past or absurd counts as one in an hour; none counts as more than eight days away.
 */
export function pauseFor(observation: LimitObservation, now: number): LimitPause | undefined {
  if (!observation.refused || observation.overageInUse) return undefined;
  const exhausted = observation.windows.filter(({ status }) => status === 'rejected');
  let latest: LimitPause | undefined;
  for (const { name, resetsAt } of exhausted) {
    const until = plausible(resetsAt, now);
    if (latest === undefined || until > latest.until) latest = { since: now, until, window: name };
  }
  return latest ?? { since: now, until: now + HOUR_MS, window: null };
}

function plausible(resetsAt: number | null, now: number): number {
  if (resetsAt === null || !Number.isFinite(resetsAt) || resetsAt <= now || resetsAt > now + ABSURD_MS)
    return now + HOUR_MS;
  return Math.min(resetsAt, now + LONGEST_MS);
}

/** Whether a window is one of a plan, which people share with the tool, and not the throttling of a key. */
export function isPlanWindow({ name }: Pick<UsageWindow, 'name'>): boolean {
  return !name.startsWith('api_');
}
