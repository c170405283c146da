import type { RateLimit } from './scenario.ts';

/** The headers that tell a subscription's state; `nowMs` is what relative resets count from. */
export function rateLimitHeaders(limit: RateLimit, nowMs: number): Record<string, string> {
  const at = (seconds: number | undefined): string | undefined =>
    seconds === undefined ? undefined : String(Math.floor(nowMs / 1000 + seconds));
  const window = (name: string, state: RateLimit['fiveHour']): [string, string | undefined][] => [
    [`${name}-utilization`, state?.utilization.toString()],
    [`${name}-reset`, at(state?.resetIn)],
    [`${name}-status`, state?.status],
    [`${name}-surpassed-threshold`, state?.surpassedThreshold?.toString()],
  ];
  const fields: [string, string | undefined][] = [
    ['status', limit.status],
    ['reset', at(limit.resetIn)],
    ['representative-claim', limit.claim],
    ...window('5h', limit.fiveHour),
    ...window('7d', limit.sevenDay),
    ['overage-status', limit.overage?.status],
    ['overage-reset', at(limit.overage?.resetIn)],
    ['overage-in-use', limit.overage?.inUse.toString()],
  ];
  return Object.fromEntries(
    fields.flatMap(([name, value]) =>
      value === undefined ? [] : [[`anthropic-ratelimit-unified-${name}`, value]],
    ),
  );
}
