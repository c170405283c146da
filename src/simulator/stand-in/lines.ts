import { readRateLimit, describeFailure, type RateLimitInfo } from './failures.ts';
import type { ApiFailure, ApiReply } from './messages-api.ts';
import type { Options } from './options.ts';
import type { Block } from './session.ts';
import type { ToolCall } from './tools.ts';

/** The first line of a run. */
export function initLine(options: Options, cwd: string, subscription: boolean): object {
  return {
    type: 'system',
    subtype: 'init',
    cwd,
    tools: [
      'Write',
      'Edit',
      'Read',
      'Bash',
      ...(options.jsonSchema === undefined ? [] : ['StructuredOutput']),
    ],
    mcp_servers: [],
    model: options.model,
    permissionMode: options.permissionMode,
    apiKeySource: subscription ? 'none' : 'ANTHROPIC_API_KEY',
    claude_code_version: '2.1.330',
    stand_in: true,
  };
}

/** A reply: a line for each content block, with the usage that the beginning of the reply stated. */
export function replyLines(
  { id, model, content, startUsage: usage, headers }: ApiReply,
  subscription: boolean,
): object[] {
  const lines: object[] = content.map((block) => ({
    type: 'assistant',
    message: { id, type: 'message', role: 'assistant', model, content: [block], stop_reason: null, usage },
    parent_tool_use_id: null,
  }));
  if (!subscription) return lines;
  return [...lines, rateLimitLine(readRateLimit(headers) ?? { status: 'allowed', isUsingOverage: false })];
}

/** The result of a tool call. */
export function toolResultLine(block: Block): object {
  return { type: 'user', message: { role: 'user', content: [block] }, parent_tool_use_id: null };
}

/** A tool call that may not run. */
export function denialLine(call: ToolCall, message: string): object {
  return {
    type: 'system',
    subtype: 'permission_denied',
    tool_name: call.name,
    tool_use_id: call.id,
    message,
  };
}

/** A request that is about to be repeated. */
export function retryLine(
  failure: ApiFailure,
  subscription: boolean,
  attempt: number,
  maxRetries: number,
  delayMs: number,
): object {
  const { status } = failure;
  const known = status === 529 ? 'overloaded' : describeFailure(failure, subscription).error;
  return {
    type: 'system',
    subtype: 'api_retry',
    attempt,
    max_retries: maxRetries,
    retry_delay_ms: Math.round(delayMs),
    error_status: status,
    error: status === null ? 'unknown' : known,
  };
}

/** A failure that ends the run: the lines before the result, and the fields of the result. */
export function failureLines(
  failure: ApiFailure,
  subscription: boolean,
): { lines: object[]; result: object } {
  const { error, text, terminalReason, apiError } = describeFailure(failure, subscription);
  const limit =
    subscription && failure.status === 429
      ? (readRateLimit(failure.headers) ?? { status: 'rejected', isUsingOverage: false })
      : undefined;
  const known = {
    api_error_status: failure.status,
    ...(failure.type === null ? {} : { api_error_type: failure.type }),
    ...(apiError === undefined ? {} : { api_error: apiError }),
  };
  const synthetic = {
    type: 'assistant',
    message: { model: '<synthetic>', role: 'assistant', content: [{ type: 'text', text }] },
    error,
    is_api_error_message: true,
    ...known,
    ...(apiError === 'usage_limit_reached' ? { api_error_params: { rate_limit_info: limit } } : {}),
  };
  return {
    lines: [...(limit === undefined ? [] : [rateLimitLine(limit)]), synthetic],
    result: { terminal_reason: terminalReason, result: text, ...known },
  };
}

function rateLimitLine(info: RateLimitInfo): object {
  return { type: 'rate_limit_event', rate_limit_info: info };
}
