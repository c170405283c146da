import type { LimitObservation, UsageWindow } from '../../domain/usage-limit.ts';
import { parseRetryAfter } from './backoff.ts';

interface HeaderSource {
  get(name: string): string | null;
}

/** The windows of a plan, by their names in headers and in the rest of the tool. Those of single models are only claimed. */
const PLAN_WINDOWS = { '5h': 'five_hour', '7d': 'seven_day', '7d_oi': 'seven_day_overage_included' } as const;
/** The limits per minute of an API key. */
const KEY_WINDOWS = ['requests', 'tokens', 'input-tokens', 'output-tokens'] as const;

/** The shortest time that a refusal holds. Resets are given in whole seconds and may be past when they arrive. */
const SHORTEST_MS = 1000;

/**
 * Reads what the headers of a response say about the limits of the account. Undefined if they say nothing. `status` is
 * the response's, `now` is in Unix milliseconds.
 */
export function readLimitHeaders(
  headers: HeaderSource,
  status: number,
  now: number,
): LimitObservation | undefined {
  const isRefused = status === 429;
  const plan = planLimits(headers, isRefused);
  if (plan !== undefined) return plan;
  const windows = KEY_WINDOWS.flatMap((kind) => keyWindow(headers, kind, isRefused ? now : undefined) ?? []);
  if (!isRefused) return windows.length === 0 ? undefined : { windows, overageInUse: false, refused: false };
  const retryAfter = parseRetryAfter(headers, now);
  if (retryAfter !== undefined)
    windows.push(exhausted('api_throttle', now + Math.max(retryAfter, SHORTEST_MS)));
  // A refusal without a time is left to the caller, who repeats the call.
  const refused = windows.some((window) => window.status === 'rejected' && window.resetsAt !== null);
  return windows.length === 0 ? undefined : { windows, overageInUse: false, refused };
}

function planLimits(headers: HeaderSource, isRefused: boolean): LimitObservation | undefined {
  const said = (name: string): string | null => headers.get(`anthropic-ratelimit-unified-${name}`);
  const whole = toStatus(said('status'));
  const windows = Object.entries(PLAN_WINDOWS).flatMap(([short, name]): UsageWindow[] => {
    const [used, reset, state] = ['utilization', 'reset', 'status'].map((field) => said(`${short}-${field}`));
    if (used === null && reset === null && state === null) return [];
    return [
      {
        name,
        utilization: toNumber(used),
        status: toStatus(state) ?? 'allowed',
        resetsAt: toMilliseconds(reset),
      },
    ];
  });
  const claim = said('representative-claim');
  if (claim !== null && whole !== undefined) {
    const index = windows.findIndex(({ name }) => name === claim);
    const own = windows[index] ?? { name: claim, utilization: null, resetsAt: null };
    const decided = { ...own, status: whole, resetsAt: own.resetsAt ?? toMilliseconds(said('reset')) };
    windows.splice(index === -1 ? windows.length : index, 1, decided);
  }
  if (windows.length === 0) return undefined;
  const overageInUse =
    said('overage-in-use') === 'true' ||
    (whole === 'rejected' && ['allowed', 'allowed_warning'].includes(said('overage-status') ?? ''));
  return { windows, overageInUse, refused: isRefused && whole === 'rejected' && !overageInUse };
}

/** `refusedAt` is set if the request was refused. Then a window that is used up is what refused it. */
function keyWindow(
  headers: HeaderSource,
  kind: (typeof KEY_WINDOWS)[number],
  refusedAt: number | undefined,
): UsageWindow | undefined {
  const said = (field: string): string | null => headers.get(`anthropic-ratelimit-${kind}-${field}`);
  const [limit, remaining] = [toNumber(said('limit')), toNumber(said('remaining'))];
  if (limit === null || remaining === null || limit <= 0) return undefined;
  const name = `api_${kind.replace('-', '_')}`;
  const reset = Date.parse(said('reset') ?? '');
  const resetsAt = Number.isNaN(reset) ? null : reset;
  if (refusedAt !== undefined && remaining <= 0)
    return exhausted(name, resetsAt === null ? null : Math.max(resetsAt, refusedAt + SHORTEST_MS));
  return { name, utilization: Math.max(0, 1 - remaining / limit), status: 'allowed', resetsAt };
}

function exhausted(name: string, resetsAt: number | null): UsageWindow {
  return { name, utilization: 1, status: 'rejected', resetsAt };
}

function toStatus(text: string | null | undefined): UsageWindow['status'] | undefined {
  return text === 'allowed' || text === 'allowed_warning' || text === 'rejected' ? text : undefined;
}

function toNumber(text: string | null | undefined): number | null {
  const value = text === null || text === undefined || text.trim() === '' ? NaN : Number(text);
  return Number.isFinite(value) && value >= 0 ? value : null;
}

/** Resets of plans are given in seconds. A number that a `Date` cannot hold is ignored. */
function toMilliseconds(text: string | null | undefined): number | null {
  const seconds = toNumber(text);
  return seconds === null || seconds > 8.64e12 ? null : seconds * 1000;
}
