import type { KeyLimits, RateLimit } from './scenario.ts';

type Fields = readonly (readonly [name: string, value: string | undefined])[];

/** The headers with a subscription's state. Relative resets count from `fromMs`. */
export function rateLimitHeaders(limit: RateLimit, fromMs: number): Record<string, string> {
  const reset = ({ resetIn, resetAt }: Pick<RateLimit, 'resetIn' | 'resetAt'>): string | undefined =>
    resetAt?.toString() ?? (resetIn === undefined ? undefined : String(Math.floor(fromMs / 1000 + resetIn)));
  const window = (name: string, state: RateLimit['fiveHour']): Fields =>
    state === undefined
      ? []
      : [
          [`${name}-utilization`, state.utilization.toString()],
          [`${name}-reset`, reset(state)],
          [`${name}-status`, state.status],
          [`${name}-surpassed-threshold`, state.surpassedThreshold?.toString()],
        ];
  return headers('anthropic-ratelimit-unified-', [
    ['status', limit.status],
    ['reset', reset(limit)],
    ['representative-claim', limit.claim],
    ...window('5h', limit.fiveHour),
    ...window('7d', limit.sevenDay),
    ...window('7d_oi', limit.sevenDayOverageIncluded),
    ['overage-status', limit.overage?.status],
    ['overage-reset', limit.overage && reset(limit.overage)],
    ['overage-in-use', limit.overage?.inUse.toString()],
  ]);
}

/** The headers with what an API key may still use. Resets count from `fromMs`. */
export function keyLimitHeaders(limits: KeyLimits, fromMs: number): Record<string, string> {
  const fields = Object.entries(limits).flatMap(([name, { limit, remaining, resetIn }]): Fields => [
    [`${name}-limit`, String(limit)],
    [`${name}-remaining`, String(remaining)],
    // To the second, as in the API.
    [`${name}-reset`, `${new Date(fromMs + resetIn * 1000).toISOString().slice(0, 19)}Z`],
  ]);
  return headers('anthropic-ratelimit-', fields);
}

function headers(prefix: string, fields: Fields): Record<string, string> {
  return Object.fromEntries(
    fields.flatMap(([name, value]) => (value === undefined ? [] : [[`${prefix}${name}`, value]])),
  );
}
