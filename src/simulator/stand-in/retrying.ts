import { setTimeout as sleep } from 'node:timers/promises';
import { isRetryable, NOT_LOGGED_IN } from './failures.ts';
import { ask, type ApiClient, type ApiEvent, type ApiFailure, type ApiReply } from './messages-api.ts';

/** How a request is repeated. */
export interface RetryPolicy {
  readonly maxRetries: number;
  readonly subscription: boolean;
  readonly onEvent: (event: ApiEvent) => void;
  /** A reply broke off. */
  readonly onBroken: (broken: NonNullable<ApiFailure['broken']>) => void;
  readonly onRetry: (failure: ApiFailure, attempt: number, delayMs: number) => void;
}

/** Asks until there is a reply or no use in going on; after a stream that broke, once more without streaming. */
export async function askRepeatedly(
  client: ApiClient,
  body: Readonly<Record<string, unknown>>,
  policy: RetryPolicy,
): Promise<ApiReply | ApiFailure> {
  if (client.headers['x-api-key'] === undefined && client.headers['authorization'] === undefined)
    return NOT_LOGGED_IN;
  for (let attempt = 1; ; attempt++) {
    const reply = await ask(client, { ...body, stream: true }, policy.onEvent);
    if (reply.ok) return reply;
    if (reply.broken !== undefined) policy.onBroken(reply.broken);
    if (!isRetryable(reply, policy.subscription)) return reply;
    if (attempt > policy.maxRetries) {
      const hadBegun = reply.headers['content-type']?.startsWith('text/event-stream') === true;
      return hadBegun ? ask(client, { ...body, stream: false }, policy.onEvent) : reply;
    }
    const delayMs = delayOf(reply, attempt);
    policy.onRetry(reply, attempt, delayMs);
    await sleep(delayMs);
  }
}

/** Half a second, doubled each time, at most 32 s, and never less than the server asks for. */
function delayOf(failure: ApiFailure, attempt: number): number {
  const own = Math.min(32_000, 500 * 2 ** (attempt - 1));
  return Math.max(own, Number(failure.headers['retry-after'] ?? 0) * 1000) * (1 + Math.random() / 4);
}
