import { z } from 'zod';
import type { Charge } from '../../domain/pricing.ts';
import { parseJson } from '../../domain/text/parse-json.ts';

/** A field that is ignored, as if it were absent, unless it has the expected form. */
const maybe = <T extends z.ZodType>(schema: T) => schema.optional().catch(undefined);

const count = maybe(z.number().nonnegative());

const apiUsage = z.object({
  input_tokens: count,
  output_tokens: count,
  cache_read_input_tokens: count,
  cache_creation_input_tokens: count,
  cache_creation: maybe(z.object({ ephemeral_1h_input_tokens: count })),
  server_tool_use: maybe(z.object({ web_search_requests: count })),
});
type ApiUsage = z.infer<typeof apiUsage>;

/** The model and the usage of a message of the API. Gateways leave some of the fields out. */
export const chargedMessage = z.object({ model: maybe(z.string()), usage: maybe(apiUsage) });

const modelUsage = z.record(
  z.string(),
  z.object({
    inputTokens: count,
    outputTokens: count,
    cacheReadInputTokens: count,
    cacheCreationInputTokens: count,
    costUSD: count,
  }),
);
export type CliModelUsage = z.infer<typeof modelUsage>;

/** In seconds. It must be a time that a `Date` can hold. */
const time = maybe(z.number().positive().max(8.64e12));

const rateLimitInfo = z.object({
  status: maybe(z.string()),
  resetsAt: time,
  rateLimitType: maybe(z.string()),
  utilization: count,
  overageStatus: maybe(z.string()),
  isUsingOverage: maybe(z.boolean()),
  overageInUse: maybe(z.boolean()),
  // This is not one of the CLI's documented fields.
  unifiedWindows: maybe(
    z.record(z.string(), maybe(z.object({ utilization: count, resetsAt: time, status: maybe(z.string()) }))),
  ),
});
export type RateLimitInfo = z.infer<typeof rateLimitInfo>;

const apiRetry = z.object({
  type: z.literal('system'),
  subtype: z.literal('api_retry'),
  attempt: count,
  max_retries: count,
  error_status: maybe(z.number().nullable()),
  error: maybe(z.string()),
});

const rateLimitEvent = z.object({
  type: z.literal('rate_limit_event'),
  rate_limit_info: rateLimitInfo,
});

const contentBlock = z.object({
  type: z.string(),
  id: maybe(z.string()),
  text: maybe(z.string()),
  name: maybe(z.string()),
  input: maybe(z.record(z.string(), z.unknown())),
});

const assistant = z.object({
  type: z.literal('assistant'),
  parent_tool_use_id: maybe(z.string().nullable()),
  message: chargedMessage.extend({ id: maybe(z.string()), content: maybe(z.array(contentBlock)) }),
  error: maybe(z.string()),
  is_api_error_message: maybe(z.boolean()),
  api_error_status: maybe(z.number().nullable()),
  api_error: maybe(z.string().nullable()),
  api_error_params: maybe(z.object({ rate_limit_info: maybe(rateLimitInfo) })),
});

const streamEvent = z.object({
  type: z.literal('stream_event'),
  api_message_id: maybe(z.string()),
  event: z.discriminatedUnion('type', [
    z.object({ type: z.literal('message_start'), message: chargedMessage.extend({ id: z.string() }) }),
    z.object({ type: z.literal('message_delta'), usage: maybe(apiUsage) }),
  ]),
});

const result = z.object({
  type: z.literal('result'),
  subtype: maybe(z.string()),
  is_error: maybe(z.boolean()),
  result: maybe(z.string()),
  structured_output: z.unknown().optional(),
  errors: maybe(z.array(z.string())),
  stop_reason: maybe(z.string().nullable()),
  terminal_reason: maybe(z.string().nullable()),
  api_error: maybe(z.string().nullable()),
  api_error_status: maybe(z.number().nullable()),
  num_turns: count,
  modelUsage: maybe(modelUsage),
  model_usage_since_last_result: maybe(modelUsage),
  permission_denials: maybe(
    z.array(z.object({ tool_name: z.string(), tool_input: maybe(z.record(z.string(), z.unknown())) })),
  ),
});

export type AssistantLine = z.infer<typeof assistant>;
export type ApiRetryLine = z.infer<typeof apiRetry>;
export type RateLimitLine = z.infer<typeof rateLimitEvent>;
export type ResultLine = z.infer<typeof result>;

/** A line of the Claude CLI's `stream-json` output. Lines that we do not use are `other`. */
export type StreamLine =
  | { readonly kind: 'init' }
  | { readonly kind: 'assistant'; readonly line: AssistantLine }
  | { readonly kind: 'api-retry'; readonly line: ApiRetryLine }
  | { readonly kind: 'rate-limit'; readonly line: RateLimitLine }
  | { readonly kind: 'stream-event'; readonly line: z.infer<typeof streamEvent> }
  | { readonly kind: 'tool-progress' }
  | { readonly kind: 'result'; readonly line: ResultLine }
  | { readonly kind: 'other'; readonly type: string }
  /** Not a JSON object: the CLI's own noise, a hook's output, or a line cut short by a kill. */
  | { readonly kind: 'garbage' };

const USER_LINE = Buffer.from('{"type":"user"');
const STREAM_EVENT_LINE = Buffer.from('{"type":"stream_event"');
const MESSAGE_START = '"message_start"';
const MESSAGE_DELTA = '"message_delta"';
/** A stream event's own type is within this many bytes of its start. */
const EVENT_TYPE_WITHIN = 100;

/**
 * Parses one line. Never throws: a line that is not JSON is `garbage`, invalid UTF-8 is replaced, unknown fields are
 * ignored and missing ones are undefined.
 */
export function parseStreamLine(bytes: Buffer): StreamLine {
  // Tool results and text deltas make up nearly all of a transcript and are not used, so they are not parsed.
  if (startsWith(bytes, USER_LINE)) return { kind: 'other', type: 'user' };
  if (startsWith(bytes, STREAM_EVENT_LINE)) {
    const head = bytes.toString('latin1', 0, EVENT_TYPE_WITHIN);
    if (!head.includes(MESSAGE_START) && !head.includes(MESSAGE_DELTA))
      return { kind: 'other', type: 'stream_event' };
  }
  const value = parseJson(bytes.toString('utf8'));
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return { kind: 'garbage' };
  const { type = '', subtype } = value as Record<string, unknown>;
  return validated(type, subtype, value) ?? { kind: 'other', type: typeof type === 'string' ? type : '' };
}

function validated(type: unknown, subtype: unknown, value: object): StreamLine | undefined {
  switch (type) {
    case 'system':
      if (subtype === 'init') return { kind: 'init' };
      return subtype === 'api_retry' ? as('api-retry', apiRetry, value) : undefined;
    case 'assistant':
      return as('assistant', assistant, value);
    case 'rate_limit_event':
      return as('rate-limit', rateLimitEvent, value);
    case 'stream_event':
      return as('stream-event', streamEvent, value);
    case 'tool_progress':
      return { kind: 'tool-progress' };
    case 'result':
      return as('result', result, value);
    default:
      return undefined;
  }
}

function as<K extends string, T>(
  kind: K,
  schema: z.ZodType<T>,
  value: unknown,
): { readonly kind: K; readonly line: T } | undefined {
  const parsed = schema.safeParse(value);
  return parsed.success ? { kind, line: parsed.data } : undefined;
}

function startsWith(bytes: Buffer, prefix: Buffer): boolean {
  return bytes.length >= prefix.length && bytes.compare(prefix, 0, prefix.length, 0, prefix.length) === 0;
}

/** What a message was charged for. */
export function toCharge(usage: ApiUsage | undefined): Charge {
  return {
    input: usage?.input_tokens ?? 0,
    output: usage?.output_tokens ?? 0,
    cacheRead: usage?.cache_read_input_tokens ?? 0,
    cacheWrite: usage?.cache_creation_input_tokens ?? 0,
    cacheWrite1h: usage?.cache_creation?.ephemeral_1h_input_tokens ?? 0,
    webSearches: usage?.server_tool_use?.web_search_requests ?? 0,
  };
}

/** The results of tools in a line that is not parsed otherwise. */
export function readToolResults(line: Buffer): { id: string; content: unknown; isError: unknown }[] {
  const { message } = (parseJson(line.toString('utf8')) ?? {}) as { message?: { content?: unknown } | null };
  const blocks: unknown[] = Array.isArray(message?.content) ? message.content : [];
  return blocks.flatMap((block) => {
    const { tool_use_id: id, content, is_error: isError } = (block ?? {}) as Record<string, unknown>;
    return typeof id === 'string' ? [{ id, content, isError }] : [];
  });
}

/** The text of a message. Empty if there is none. */
export function readMessageText(line: AssistantLine | null): string {
  return line?.message.content?.map(({ text }) => text ?? '').join(' ') ?? '';
}

/** When the limit that refused a request resets, in Unix milliseconds. Null if that is not known. */
export function readLimitReset(error: AssistantLine | null, rateLimit: RateLimitInfo | null): number | null {
  const seconds = error?.api_error_params?.rate_limit_info?.resetsAt ?? rateLimit?.resetsAt;
  return seconds === undefined ? null : seconds * 1000;
}
