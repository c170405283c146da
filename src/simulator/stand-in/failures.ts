import type { IncomingHttpHeaders } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask, type ApiClient, type ApiEvent, type ApiFailure, type ApiReply } from './messages-api.ts';

/** How a failed request is reported at the end of a run. */
export interface FailureDescription {
  /** `error` of the assistant line. */
  readonly error: string;
  readonly text: string;
  readonly terminalReason: string;
  /** `api_error`, if there is one. */
  readonly apiError?: string;
}

/** What the rate-limit headers of a subscription say. */
export interface RateLimitInfo {
  readonly status: string;
  readonly resetsAt?: number;
  readonly rateLimitType?: string;
  readonly isUsingOverage: boolean;
  readonly overageStatus?: string;
  readonly overageResetsAt?: number;
  readonly overageInUse?: true;
  readonly utilization?: number;
  readonly surpassedThreshold?: number;
  readonly unifiedWindows?: object;
}

/** The result of a request without a credential, which is not even sent. */
const NOT_LOGGED_IN: ApiFailure = {
  ok: false,
  status: null,
  type: 'not_logged_in',
  message: 'Not logged in · Please run /login',
  headers: {},
};

/** Whether asking again can help. This depends on whether an API key or a subscription pays. */
function isRetryable(failure: ApiFailure, subscription: boolean): boolean {
  const { status } = failure;
  if (failure.type === NOT_LOGGED_IN.type) return false;
  if (Number(failure.headers['retry-after'] ?? 0) > 60) return false;
  if (status === 429) return !subscription || readRateLimit(failure.headers)?.status !== 'rejected';
  return status === null || status >= 500 || status === 401 || status === 408;
}

/** What the Claude CLI says about a failure that retries do not resolve. */
export function describeFailure(failure: ApiFailure, subscription: boolean): FailureDescription {
  const { status, message } = failure;
  const say = (error: string, text: string, terminalReason = 'api_error'): FailureDescription => ({
    error,
    text,
    terminalReason,
  });
  if (failure.type === NOT_LOGGED_IN.type) return say('authentication_failed', message);
  switch (status) {
    case null:
      return { ...say('server_error', `API Error: ${message}`), apiError: connectionError(message) };
    case 401:
      return subscription
        ? say('authentication_failed', `Failed to authenticate. API Error: 401 ${message}`)
        : say('authentication_failed', 'Invalid API key · Fix external API key');
    case 403:
      return say('authentication_failed', `Failed to authenticate. API Error: 403 ${message}`);
    case 404:
      return say('model_not_found', `There's an issue with the selected model. ${message}`);
    case 413:
      return say('invalid_request', `API Error: 413 ${message}`, 'image_error');
    case 429:
      return rateLimited(failure, subscription);
  }
  if (status >= 500) return say('server_error', `API Error: ${status} ${message}`);
  if (/prompt is too long/i.test(message))
    return say('invalid_request', 'Prompt is too long', 'prompt_too_long');
  if (/credit balance/i.test(message)) return say('billing_error', 'Credit balance is too low');
  return say('unknown', `API Error: ${status} ${message}`);
}

/** Reads the rate-limit headers; undefined if there are none. */
export function readRateLimit(headers: IncomingHttpHeaders): RateLimitInfo | undefined {
  const header = (name: string): string | undefined => {
    const value = headers[`anthropic-ratelimit-unified-${name}`];
    return typeof value === 'string' ? value : undefined;
  };
  const status = header('status');
  if (status === undefined) return undefined;
  const [claim, overageStatus] = [header('representative-claim'), header('overage-status')];
  const number = <Name extends string>(field: Name, name: string): Partial<Record<Name, number>> => {
    const value = header(name);
    return value === undefined ? {} : ({ [field]: Number(value) } as Record<Name, number>);
  };
  const window = ([key, name]: readonly [string, string]): object =>
    header(`${key}-utilization`) === undefined
      ? {}
      : {
          [name]: {
            ...number('utilization', `${key}-utilization`),
            ...number('resetsAt', `${key}-reset`),
            status: header(`${key}-status`),
          },
        };
  const surpassed = WINDOWS.map(([key]) => key).find(
    (key) => header(`${key}-surpassed-threshold`) !== undefined,
  );
  const windows = Object.assign({}, ...WINDOWS.map(window)) as object;
  return {
    status,
    ...number('resetsAt', 'reset'),
    ...(claim === undefined ? {} : { rateLimitType: claim }),
    ...(overageStatus === undefined ? {} : { overageStatus }),
    ...number('overageResetsAt', 'overage-reset'),
    isUsingOverage: header('overage-in-use') === 'true',
    ...(header('overage-in-use') === 'true' ? { overageInUse: true } : {}),
    ...(surpassed === undefined
      ? {}
      : {
          utilization: Number(header(`${surpassed}-utilization`)),
          surpassedThreshold: Number(header(`${surpassed}-surpassed-threshold`)),
        }),
    ...(Object.keys(windows).length === 0 ? {} : { unifiedWindows: windows }),
  };
}

const WINDOWS = [
  ['5h', 'five_hour'],
  ['7d', 'seven_day'],
  ['7d_oi', 'seven_day_overage_included'],
] as const;

function connectionError(message: string): string {
  return message === 'stream_idle_timeout' ? message : 'connection_failed';
}

function rateLimited(failure: ApiFailure, subscription: boolean): FailureDescription {
  const [error, terminalReason] = ['rate_limit', 'api_error'];
  const limit = readRateLimit(failure.headers);
  if (!subscription) {
    return { error, terminalReason, text: `API Error: Request rejected (429) · ${failure.message}` };
  }
  // If neither the window nor its reset is named, it is throttling, whatever the status says.
  if (limit?.status !== 'rejected' || (limit.rateLimitType ?? limit.resetsAt) === undefined) {
    return { error, terminalReason, text: 'Server is temporarily limiting requests (not your usage limit)' };
  }
  const resets =
    limit.resetsAt === undefined ? '' : ` · resets ${new Date(limit.resetsAt * 1000).toISOString()}`;
  return {
    error,
    terminalReason,
    text: `You've hit your usage limit${resets}`,
    apiError: 'usage_limit_reached',
  };
}

/** How often a request is repeated, and who is informed. */
interface RetryPolicy {
  readonly maxRetries: number;
  readonly subscription: boolean;
  readonly onEvent: (event: ApiEvent) => void;
  /** Called when a reply has broken off. */
  readonly onBroken: (broken: NonNullable<ApiFailure['broken']>) => void;
  readonly onRetry: (failure: ApiFailure, attempt: number, delayMs: number) => void;
}

/**
 * Asks until there is a reply or asking again cannot help. If the last stream broke off, it asks once more without
 * streaming.
 */
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

/**
 * The delay before a retry: half a second, doubled each time, at most 32 s, and never less than the server asks for.
 */
function delayOf(failure: ApiFailure, attempt: number): number {
  const own = Math.min(32_000, 500 * 2 ** (attempt - 1));
  return Math.max(own, Number(failure.headers['retry-after'] ?? 0) * 1000) * (1 + Math.random() / 4);
}
