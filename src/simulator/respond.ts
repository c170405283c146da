import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Charge } from '../domain/pricing.ts';
import { unreachable } from '../domain/result.ts';
import { apiMessage, chargeSoFar, encodeEvent, streamEvents, type ReplyMessage } from './message.ts';
import type { Fault, Reply } from './scenario.ts';

/** A request that is being answered. */
export interface Exchange {
  readonly response: ServerResponse;
  readonly requestId: string;
  readonly streaming: boolean;
  /** The headers of the reply besides the content type. */
  readonly headers: Readonly<Record<string, string>>;
  /** Aborts when the caller has gone or the simulator closes. */
  readonly signal: AbortSignal;
  /**
   * Called with the charge whenever the caller was sent one; the last call counts. A reply that ends in an error is
   * free.
   */
  readonly bill: (charge: Charge) => void;
  /** Makes the whole server unreachable for a time. */
  readonly startOutage: (ms: number) => void;
}

/** Sends a reply, or what its fault makes of it. Rejects when `signal` aborts. */
export async function respond(reply: Reply, message: ReplyMessage, exchange: Exchange): Promise<void> {
  await sleep(reply.waitMs, undefined, { signal: exchange.signal });
  const { fault } = reply;
  if (fault !== undefined && (await failBeforeHeaders(fault, exchange))) return;

  const steps = exchange.streaming ? streamed(message) : whole(message, fault);
  exchange.response.writeHead(200, {
    ...exchange.headers,
    'content-type': exchange.streaming ? 'text/event-stream; charset=utf-8' : 'application/json',
  });
  const end = fault === undefined ? steps.length : Math.max(1, Math.floor(steps.length / 2));
  for (const step of steps.slice(0, end)) {
    await sleep(exchange.streaming ? reply.delayMs : 0, undefined, { signal: exchange.signal });
    exchange.response.write(step.bytes);
    if (step.charge !== undefined && fault?.kind !== 'error-event') exchange.bill(step.charge);
  }
  if (fault === undefined) exchange.response.end();
  else await failMidway(fault, exchange);
}

/** A part of a reply, and the charge that the caller knows once it has that part. */
interface Step {
  readonly bytes: string;
  readonly charge?: Charge;
}

function streamed(message: ReplyMessage): Step[] {
  const events = streamEvents(message);
  return events.map((event, index) => ({
    bytes: encodeEvent(event),
    charge: chargeSoFar(events.slice(0, index + 1), message.charge),
  }));
}

function whole(message: ReplyMessage, fault: Fault | undefined): Step[] {
  const body = JSON.stringify(apiMessage(message));
  const half = Math.floor(body.length / 2);
  if (fault === undefined) return [{ bytes: body, charge: message.charge }];
  return [{ bytes: body.slice(0, half) }, { bytes: body.slice(half) }];
}

/** Plays a fault that comes before the headers; false if the fault is not one of these. */
async function failBeforeHeaders(fault: Fault, exchange: Exchange): Promise<boolean> {
  switch (fault.kind) {
    case 'http':
      sendError(fault, exchange);
      return true;
    case 'outage':
      exchange.startOutage(fault.ms);
      return true;
    case 'no-headers':
      await forever(exchange.signal);
      return true;
    case 'reset':
      if (fault.at === 'before-headers') exchange.response.socket?.resetAndDestroy();
      return fault.at === 'before-headers';
    case 'error-event':
      if (!exchange.streaming) sendError({ ...fault, status: errorStatus(fault.type) }, exchange);
      return !exchange.streaming;
    case 'truncated':
    case 'malformed':
    case 'silence':
    case 'pings':
      return false;
  }
}

async function failMidway(fault: Fault, { response, streaming, signal, requestId }: Exchange): Promise<void> {
  switch (fault.kind) {
    case 'reset':
      // A reset discards what the caller has not read yet. Without this pause it would look like one before the
      // headers.
      await sleep(50, undefined, { signal });
      response.socket?.resetAndDestroy();
      return;
    case 'truncated':
      response.end();
      return;
    case 'malformed':
      response.end(
        streaming ? 'event: content_block_delta\ndata: {"type":"content_block_delta","ind\n\n' : '}',
      );
      return;
    case 'error-event':
      response.end(
        `event: error\ndata: ${errorBody(errorStatus(fault.type), requestId, fault.message, fault.type)}\n\n`,
      );
      return;
    case 'silence':
      return forever(signal);
    case 'pings':
      for (;;) {
        await sleep(fault.everyMs, undefined, { signal });
        if (streaming) response.write(encodeEvent({ type: 'ping' }));
      }
    case 'http':
    case 'outage':
    case 'no-headers':
      throw new Error(`The fault ${fault.kind} comes before the headers.`);
    default:
      unreachable(fault);
  }
}

interface HttpError {
  readonly status: number;
  readonly type?: string | undefined;
  readonly message?: string | undefined;
  readonly body?: string | undefined;
  readonly retryAfter?: number | undefined;
}

function sendError(error: HttpError, { response, headers, requestId }: Exchange): void {
  response.writeHead(error.status, {
    ...headers,
    ...(error.retryAfter === undefined ? {} : { 'retry-after': String(error.retryAfter) }),
    'content-type': error.body === undefined ? 'application/json' : 'text/html',
  });
  response.end(error.body ?? errorBody(error.status, requestId, error.message, error.type));
}

function forever(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const stop = (): void => reject(new Error('The reply was given up.'));
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
  });
}

/** The API's error types by status. */
const ERROR_TYPES: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  402: 'billing_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  504: 'timeout_error',
  529: 'overloaded_error',
};

const ERROR_MESSAGES: Readonly<Record<number, string>> = {
  401: 'invalid x-api-key',
  403: 'Your API key does not have permission to use the specified resource.',
  429: 'This request would exceed your rate limit.',
  529: 'Overloaded',
};

/** The error type that goes with a status. */
function errorType(status: number): string {
  return ERROR_TYPES[status] ?? (status >= 500 ? 'api_error' : 'invalid_request_error');
}

/** The JSON body of an error. */
export function errorBody(status: number, requestId: string, message?: string, type?: string): string {
  return JSON.stringify({
    type: 'error',
    error: {
      type: type ?? errorType(status),
      message: message ?? ERROR_MESSAGES[status] ?? `HTTP ${status}`,
    },
    request_id: requestId,
  });
}

/** The status of an error type, for replies that are not streamed. */
function errorStatus(type: string): number {
  return Number(Object.entries(ERROR_TYPES).find(([, own]) => own === type)?.[0] ?? 500);
}
