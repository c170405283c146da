/** How often a call is repeated, and how long the waits are. */
export interface Backoff {
  /** Repetitions after the first try. */
  readonly maxRetries: number;
  readonly baseMs: number;
  readonly maxMs: number;
}

/**
 * How long to wait before repetition number `attempt` (0 for the first), in milliseconds: exponential with full jitter,
 * and never less than the server asked for. Undefined means to give up: after the last repetition, or if the server asks
 * for more than `maxMs`, since an earlier call would be refused too.
 */
export function computeRetryDelay(
  attempt: number,
  retryAfterMs: number | undefined,
  { maxRetries, baseMs, maxMs }: Backoff,
  random: () => number,
): number | undefined {
  if (attempt >= maxRetries) return undefined;
  if (retryAfterMs !== undefined && retryAfterMs > maxMs) return undefined;
  const ceiling = Math.min(maxMs, baseMs * 2 ** Math.min(attempt, 30));
  return Math.max(random() * ceiling, retryAfterMs ?? 0);
}

/** The wait that a response's headers ask for, in milliseconds. `now` is in Unix milliseconds. */
export function parseRetryAfter(
  headers: { get(name: string): string | null } | undefined,
  now: number,
): number | undefined {
  const exact = headers?.get('retry-after-ms')?.trim();
  if (exact !== undefined && /^\d+(\.\d+)?$/.test(exact)) return bounded(Number(exact));
  const text = headers?.get('retry-after')?.trim();
  if (text === undefined || text === '') return undefined;
  if (/^\d+(\.\d+)?$/.test(text)) return bounded(Number(text) * 1000);
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : bounded(Math.max(0, date - now));
}

/** A year. A longer wait may end at a time that a `Date` cannot hold. */
const LONGEST_MS = 31_536_000_000;

function bounded(ms: number): number {
  return Math.min(ms, LONGEST_MS);
}
