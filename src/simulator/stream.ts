import type { Charge } from '../domain/pricing.ts';
import type { ContentBlock, ReplyMessage } from './message.ts';
import { apiMessage, apiUsage } from './message.ts';

/** One server-sent event; its type is repeated in its data. */
export type StreamEvent = { readonly type: string } & Readonly<Record<string, unknown>>;

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

/** What a stream has cost once these events are out: the whole prompt, and a token for each three characters. */
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

/** Three pieces at most, cut between code points. */
function pieces(text: string): string[] {
  const points = Array.from(text);
  const size = Math.max(1, Math.ceil(points.length / 3));
  return Array.from({ length: Math.ceil(points.length / size) }, (_, index) =>
    points.slice(index * size, (index + 1) * size).join(''),
  );
}
