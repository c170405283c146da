import { randomUUID } from 'node:crypto';
import type { Conversation } from './conversation.ts';
import type { Charge } from '../domain/pricing.ts';
import type { Reply } from './scenario.ts';

/** A content block of a reply, in the API's format. */
type ContentBlock =
  | { readonly type: 'text'; readonly text: string; readonly citations: null }
  | ({ readonly type: 'tool_use' | 'server_tool_use'; readonly id: string; readonly name: string } & {
      readonly input: unknown;
      readonly caller: { readonly type: 'direct' };
    })
  | {
      readonly type: 'web_search_tool_result';
      readonly tool_use_id: string;
      readonly caller: { readonly type: 'direct' };
      readonly content: readonly object[];
    };

/** A whole reply, before it is sent at once or as a stream. */
export interface ReplyMessage {
  readonly id: string;
  readonly model: string;
  readonly content: readonly ContentBlock[];
  readonly stopReason: string;
  readonly charge: Charge;
}

const DIRECT = { type: 'direct' } as const;

/** Makes the answer to a request from a scenario's reply. */
export function composeMessage(reply: Reply, conversation: Conversation): ReplyMessage {
  const content = contentOf(substitute(reply, conversation.cwd), conversation.tools);
  const wantsTool = content.some((block) => block.type === 'tool_use');
  return {
    id: apiId('msg'),
    model: conversation.model,
    content,
    stopReason: reply.stopReason ?? (wantsTool ? 'tool_use' : 'end_turn'),
    charge: {
      ...(reply.usage ?? estimate(conversation, JSON.stringify(content).length)),
      webSearches: reply.searches?.length ?? 0,
    },
  };
}

/** An id as the API makes them, e.g. `msg_01…`. */
export function apiId(kind: string): string {
  return `${kind}_01${randomUUID().replaceAll('-', '').slice(0, 22)}`;
}

/** Usage in the API's format. */
function apiUsage(charge: Charge): object {
  return {
    input_tokens: charge.input,
    output_tokens: charge.output,
    cache_read_input_tokens: charge.cacheRead,
    cache_creation_input_tokens: charge.cacheWrite,
    cache_creation: {
      ephemeral_5m_input_tokens: charge.cacheWrite - charge.cacheWrite1h,
      ephemeral_1h_input_tokens: charge.cacheWrite1h,
    },
    server_tool_use:
      charge.webSearches === 0 ? null : { web_search_requests: charge.webSearches, web_fetch_requests: 0 },
    output_tokens_details: null,
    inference_geo: null,
    service_tier: 'standard',
    speed: 'standard',
  };
}

/** The message as it is sent without streaming. */
export function apiMessage(message: ReplyMessage): object {
  return {
    id: message.id,
    type: 'message',
    role: 'assistant',
    model: message.model,
    content: message.content,
    container: null,
    diagnostics: null,
    stop_reason: message.stopReason,
    stop_sequence: null,
    stop_details: null,
    usage: apiUsage(message.charge),
  };
}

function contentOf(reply: Reply, offered: readonly string[]): ContentBlock[] {
  const tools = [...(reply.tools ?? [])];
  const structured = reply.json !== undefined;
  const byTool = structured && offered.includes('StructuredOutput');
  if (byTool) tools.push({ name: 'StructuredOutput', input: reply.json as Record<string, unknown> });
  const text = (reply.text ?? '') + (structured && !byTool ? JSON.stringify(reply.json) : '');
  return [
    ...(reply.searches ?? []).flatMap(searchBlocks),
    ...(text === '' ? [] : [{ type: 'text' as const, text, citations: null }]),
    ...tools.map((tool) => ({ type: 'tool_use' as const, id: apiId('toolu'), ...tool, caller: DIRECT })),
  ];
}

function searchBlocks(search: NonNullable<Reply['searches']>[number]): ContentBlock[] {
  const id = apiId('srvtoolu');
  return [
    { type: 'server_tool_use', id, name: 'web_search', input: { query: search.query }, caller: DIRECT },
    {
      type: 'web_search_tool_result',
      tool_use_id: id,
      caller: DIRECT,
      content: search.results.map((result) => ({
        type: 'web_search_result',
        ...result,
        encrypted_content: Buffer.from(result.url).toString('base64'),
        page_age: null,
      })),
    },
  ];
}

function substitute<T>(value: T, cwd: string): T {
  if (typeof value === 'string') return value.replaceAll('{{cwd}}', cwd) as T;
  if (Array.isArray(value)) return value.map((item: unknown) => substitute(item, cwd)) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, substitute(item, cwd)])) as T;
}

/**
 * Estimates the usage, at four bytes a token. A caller that caches pays once for its prompt and for what each turn
 * adds.
 */
function estimate(conversation: Conversation, replyBytes: number): Omit<Charge, 'webSearches'> {
  const prompt = Math.ceil(conversation.bytes / 4);
  const output = Math.max(1, Math.ceil(replyBytes / 4));
  const none = { cacheRead: 0, cacheWrite: 0, cacheWrite1h: 0 };
  if (!conversation.caches) return { input: prompt, output, ...none };
  const known = conversation.turn([]) === 0 ? 0 : Math.floor(prompt * 0.95);
  return { input: 3, output, ...none, cacheRead: known, cacheWrite: Math.max(0, prompt - known - 3) };
}

/** A server-sent event. Its type is repeated in its data. */
type StreamEvent = { readonly type: string } & Readonly<Record<string, unknown>>;

/** The events that stream a message, in order. */
export function streamEvents(message: ReplyMessage): StreamEvent[] {
  const start = {
    ...apiMessage(message),
    content: [],
    stop_reason: null,
    usage: apiUsage(chargeSoFar([], message.charge)),
  };
  return [
    { type: 'message_start', message: start },
    { type: 'ping' },
    ...message.content.flatMap(blockEvents),
    {
      type: 'message_delta',
      delta: { stop_reason: message.stopReason, stop_sequence: null, stop_details: null, container: null },
      usage: apiUsage(message.charge),
    },
    { type: 'message_stop' },
  ];
}

/** What a stream has cost when these events are sent: the whole prompt, and a token for every three characters. */
export function chargeSoFar(sent: readonly StreamEvent[], charge: Charge): Charge {
  if (sent.some((event) => event.type === 'message_delta')) return charge;
  const characters = sent.reduce((sum, event) => sum + generated(event), 0);
  return { ...charge, output: Math.max(1, Math.round(characters / 3)), webSearches: 0 };
}

/** The event as bytes on the wire. */
export function encodeEvent(event: StreamEvent): string {
  return `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
}

function generated(event: StreamEvent): number {
  const { delta, content_block } = event as Partial<Record<string, Record<string, unknown>>>;
  const parts = [delta?.['text'], delta?.['partial_json'], content_block?.['name']];
  return parts.reduce<number>((sum, part) => sum + (typeof part === 'string' ? part.length : 0), 0);
}

function blockEvents(block: ContentBlock, index: number): StreamEvent[] {
  const [empty, deltas] = opened(block);
  return [
    { type: 'content_block_start', index, content_block: empty },
    ...deltas.map((delta) => ({ type: 'content_block_delta', index, delta })),
    { type: 'content_block_stop', index },
  ];
}

function opened(block: ContentBlock): [start: object, deltas: object[]] {
  switch (block.type) {
    case 'text':
      return [{ ...block, text: '' }, pieces(block.text).map((text) => ({ type: 'text_delta', text }))];
    case 'tool_use':
    case 'server_tool_use':
      return [
        { ...block, input: {} },
        pieces(JSON.stringify(block.input)).map((json) => ({ type: 'input_json_delta', partial_json: json })),
      ];
    case 'web_search_tool_result':
      return [block, []];
  }
}

/** Cuts a text into at most three pieces, between code points. */
function pieces(text: string): string[] {
  const points = Array.from(text);
  const size = Math.max(1, Math.ceil(points.length / 3));
  return Array.from({ length: Math.ceil(points.length / size) }, (_, index) =>
    points.slice(index * size, (index + 1) * size).join(''),
  );
}
