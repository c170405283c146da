import { setTimeout as delay } from 'node:timers/promises';
import Anthropic, { APIError } from '@anthropic-ai/sdk';
import type { Message, MessageStreamParams } from '@anthropic-ai/sdk/resources/messages/messages';
import type { ModelUsage } from '../../domain/attempt.ts';
import type { Failure } from '../../domain/failure.ts';
import { err, ok, type Result } from '../../domain/result.ts';
import {
  computePause,
  parseSpendingReset,
  observeSpendingLimit,
  isStillInForce,
  type LimitObservation,
} from '../../domain/usage-limit.ts';
import { chargedMessage, toCharge } from '../../worker/claude/stream-json.ts';
import { priced } from '../../worker/claude/usage-meter.ts';
import { apiFailure, type FailedCall, interrupted, isTransient, timedOut } from '../api-failure.ts';
import { describeKey } from '../choose-manager.ts';
import { startWatchdog, type Watchdog } from '../watchdog.ts';
import { type Backoff, parseRetryAfter, computeRetryDelay } from './backoff.ts';
import { readLimitHeaders } from './limit-headers.ts';

/** How the Messages API is reached, with its timeouts and retries. Times in milliseconds. */
export interface SdkConnection extends Backoff {
  readonly apiKey: string;
  /** Without it, the public API. */
  readonly baseUrl?: string | undefined;
  /** For one question with all its retries. */
  readonly timeoutMs: number;
  /** The longest time without a single byte, pings included. */
  readonly silenceMs: number;
  /** Returns 0 ≤ x < 1, for the jitter. */
  readonly random: () => number;
  /** Gets what the API says about the account's limits. */
  readonly onLimits?: ((observation: LimitObservation) => void) | undefined;
}

/** Until when a question may take, and the signal that stops it. */
export interface Deadline {
  /** By `performance.now()`. */
  readonly at: number;
  readonly signal: AbortSignal;
}

/**
 * Creates a client for one call, without retries of its own. `heard` is called for every piece of a response, since the
 * SDK does not pass on pings, and nothing else may arrive while a model thinks.
 */
function createClient(connection: SdkConnection, heard: () => void): Anthropic {
  return new Anthropic({
    apiKey: connection.apiKey,
    baseURL: connection.baseUrl ?? 'https://api.anthropic.com',
    maxRetries: 0,
    timeout: connection.timeoutMs,
    logLevel: 'off',
    fetch: async (input, init) => {
      const response = await fetch(input, init);
      heard();
      const limits = readLimitHeaders(response.headers, response.status, Date.now());
      if (limits !== undefined) connection.onLimits?.(limits);
      if (response.body === null) return response;
      const body = response.body.pipeThrough(
        new TransformStream<Uint8Array, Uint8Array>({
          transform(chunk, stream) {
            heard();
            stream.enqueue(chunk);
          },
        }),
      );
      return new Response(body, response);
    },
  });
}

/** Calls until it succeeds, fails for good, or the deadline passes. Each try has a client and a watchdog of its own. */
export async function callWithRetries<T>(
  connection: SdkConnection,
  model: string,
  deadline: Deadline,
  call: (client: Anthropic, watchdog: Watchdog) => Promise<T>,
): Promise<Result<T, Failure>> {
  const credential = describeKey(connection.apiKey);
  for (let attempt = 0; ; attempt++) {
    const left = deadline.at - performance.now();
    const watchdog = startWatchdog(deadline.signal, Math.max(left, 0), connection.silenceMs);
    const client = createClient(connection, () => watchdog.heard());
    try {
      return ok(await call(client, watchdog));
    } catch (error) {
      if (watchdog.cause === 'interrupted') return err(interrupted());
      if (watchdog.cause === 'timeout') return err(timedOut(model, connection.timeoutMs));
      const trouble = toFailedCall(error, watchdog, connection);
      const wait = isTransient(trouble)
        ? computeRetryDelay(attempt, trouble.retryAfterMs, connection, connection.random)
        : undefined;
      if (wait === undefined) {
        const refusal = finalRefusal(trouble);
        if (refusal !== undefined) connection.onLimits?.(refusal);
        return err(apiFailure(trouble, model, credential));
      }
      if (performance.now() + wait >= deadline.at) return err(timedOut(model, connection.timeoutMs));
      await delay(wait, undefined, { signal: deadline.signal }).catch(() => undefined);
    } finally {
      watchdog.stop();
    }
  }
}

/** Streams one message. What it used is added to `spent` even if it fails. */
export async function streamMessage(
  client: Anthropic,
  watchdog: Watchdog,
  params: MessageStreamParams,
  spent: ModelUsage[],
): Promise<Message> {
  let partial: Message | undefined;
  const stream = client.messages.stream(params, { signal: watchdog.signal });
  stream.on('streamEvent', (_event, snapshot) => (partial = snapshot));
  try {
    return await stream.finalMessage();
  } finally {
    if (partial !== undefined) {
      // The SDK's types promise the model and all counts, but gateways leave some out.
      const { model = params.model, usage } = chargedMessage.parse(partial);
      spent.push(priced({ model, ...toCharge(usage) }));
    }
  }
}

function toFailedCall(error: unknown, watchdog: Watchdog, { apiKey, silenceMs }: SdkConnection): FailedCall {
  if (watchdog.cause === 'silence') {
    const message = `nothing was heard for ${silenceMs / 1000} s`;
    return { ...UNANSWERED, message };
  }
  const text = error instanceof Error ? (rootMessage(error) ?? error.name) : 'unknown error';
  const message = text.replaceAll(apiKey, describeKey(apiKey)).slice(0, 500);
  if (!(error instanceof APIError)) {
    return { ...UNANSWERED, message };
  }
  const { status, type, apiMessage, headers } = error as APIError;
  const now = Date.now();
  const limits = headers === undefined ? undefined : readLimitHeaders(headers, status ?? 0, now);
  const resetsAt =
    limits !== undefined && isStillInForce(limits, now) ? computePause(limits, now)?.until : undefined;
  return {
    status,
    type: type ?? undefined,
    message: apiMessage ?? message,
    // A call before the reset would be refused.
    retryAfterMs: parseRetryAfter(headers, now) ?? (resetsAt === undefined ? undefined : resetsAt - now),
    resetsAt,
  };
}

const UNANSWERED = {
  status: undefined,
  type: undefined,
  retryAfterMs: undefined,
  resetsAt: undefined,
};

/** The limit that refused the call, if its headers did not report it. */
function finalRefusal({ status, message, resetsAt }: FailedCall): LimitObservation | undefined {
  const regained = parseSpendingReset(message);
  if (regained !== undefined) return observeSpendingLimit(regained);
  if (status !== 429 || resetsAt !== undefined) return undefined;
  return { windows: [], overageInUse: false, refused: true };
}

/** The innermost message, since "Connection error." says less than what caused it. */
function rootMessage(error: Error): string | undefined {
  let root = error;
  while (root.cause instanceof Error) root = root.cause;
  return root.message === '' ? undefined : root.message;
}
