import { request, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import type { Block } from './session.ts';

/** Usage as the API counts it. */
export type ApiUsage = Readonly<Record<string, unknown>>;

/** A whole reply. */
export interface ApiReply {
  readonly ok: true;
  readonly id: string;
  readonly model: string;
  readonly content: readonly Block[];
  readonly stopReason: string;
  readonly startUsage: ApiUsage;
  readonly usage: ApiUsage;
  readonly headers: IncomingHttpHeaders;
}

/** Why there is no reply. */
export interface ApiFailure {
  readonly ok: false;
  /** Null if no HTTP response came. */
  readonly status: number | null;
  readonly type: string | null;
  readonly message: string;
  readonly headers: IncomingHttpHeaders;
  /** What a reply that broke off has cost so far. */
  readonly broken?: { readonly usage: ApiUsage; readonly characters: number };
}

/** One event of a streamed reply, as the API words it. */
export type ApiEvent = Readonly<Record<string, unknown>> & { readonly type: string };

/** Where to ask, and how long to wait. */
export interface ApiClient {
  readonly baseUrl: string;
  readonly headers: Readonly<Record<string, string>>;
  /** How long to wait for the headers of a reply. */
  readonly timeoutMs: number;
  /** How long to wait for each next piece of a reply. */
  readonly idleMs: number;
}

/** Asks once. It never rejects, and calls `onEvent` for the events of a stream as they come. */
export function ask(
  client: ApiClient,
  body: Readonly<Record<string, unknown>>,
  onEvent: (event: ApiEvent) => void,
): Promise<ApiReply | ApiFailure> {
  return new Promise((resolve) => {
    const reader = new ReplyReader(body['stream'] === true, onEvent);
    const fail = (message: string): void => resolve(reader.failure(message));
    const outgoing = request(
      new URL('/v1/messages?beta=true', client.baseUrl),
      { method: 'POST', headers: { ...client.headers, 'content-type': 'application/json' } },
      (response) => {
        outgoing.setTimeout(client.idleMs, () => outgoing.destroy(new Error('stream_idle_timeout')));
        reader.response = response;
        response.setEncoding('utf8').on('data', (chunk: string) => reader.read(chunk));
        response.once('end', () => resolve(reader.finish()));
        response.once('error', (error) => fail(error.message));
        response.once('aborted', () => fail('The connection was closed.'));
      },
    );
    outgoing.setTimeout(client.timeoutMs, () => outgoing.destroy(new Error('Request timed out.')));
    outgoing.once('error', (error) => fail(error.message));
    outgoing.end(JSON.stringify(body));
  });
}

/** Puts a reply together from the data that comes in. */
class ReplyReader {
  response: IncomingMessage | undefined;
  readonly #streaming: boolean;
  readonly #onEvent: (event: ApiEvent) => void;
  #buffer = '';
  #start: Record<string, unknown> | undefined;
  #delta: Record<string, unknown> | undefined;
  #error: { type?: string; message?: string } | undefined;
  #stopped = false;
  #characters = 0;
  readonly #blocks: { block: Record<string, unknown>; text: string }[] = [];

  constructor(streaming: boolean, onEvent: (event: ApiEvent) => void) {
    this.#streaming = streaming;
    this.#onEvent = onEvent;
  }

  read(chunk: string): void {
    this.#buffer += chunk;
    if (!this.#streaming || this.response?.statusCode !== 200) return;
    const parts = this.#buffer.split('\n\n');
    this.#buffer = parts.pop() ?? '';
    for (const part of parts) this.#event(/^data: (.*)$/m.exec(part)?.[1] ?? '{"type":"none"}');
  }

  finish(): ApiReply | ApiFailure {
    const status = this.response?.statusCode ?? 0;
    if (status !== 200) return this.#httpFailure(status);
    if (this.#error !== undefined) return this.failure(this.#error.message ?? 'error');
    if (!this.#streaming) return this.#whole();
    if (!this.#stopped || this.#start === undefined) return this.failure('The stream ended early.');
    const { id, model, usage } = this.#start;
    return {
      ok: true,
      id: String(id),
      model: String(model),
      content: this.#blocks.map(({ block, text }) => completed(block, text)),
      stopReason: String((this.#delta?.['delta'] as Record<string, unknown> | undefined)?.['stop_reason']),
      startUsage: usage as ApiUsage,
      usage: (this.#delta?.['usage'] ?? usage) as ApiUsage,
      headers: this.response?.headers ?? {},
    };
  }

  failure(message: string): ApiFailure {
    const usage = this.#start?.['usage'] as ApiUsage | undefined;
    return {
      ok: false,
      status: null,
      type: this.#error?.type ?? null,
      message,
      headers: this.response?.headers ?? {},
      ...(usage === undefined || this.#error?.type !== undefined
        ? {}
        : { broken: { usage, characters: this.#characters } }),
    };
  }

  #event(data: string): void {
    let event: ApiEvent;
    try {
      event = JSON.parse(data) as ApiEvent;
    } catch {
      this.#error = { message: `Could not parse message into JSON: ${data}` };
      return;
    }
    const block = this.#blocks.at(-1);
    const delta = event['delta'] as Record<string, unknown> | undefined;
    switch (event.type) {
      case 'message_start':
        this.#start = event['message'] as Record<string, unknown>;
        break;
      case 'content_block_start': {
        const started = event['content_block'] as Record<string, unknown>;
        this.#blocks.push({ block: started, text: '' });
        this.#characters += string(started['name']).length;
        break;
      }
      case 'content_block_delta': {
        const text = string(delta?.['text']) + string(delta?.['partial_json']);
        if (block !== undefined) block.text += text;
        this.#characters += text.length;
        break;
      }
      case 'message_delta':
        this.#delta = event;
        break;
      case 'message_stop':
        this.#stopped = true;
        break;
      case 'error':
        this.#error = event['error'] as { type?: string; message?: string };
        break;
    }
    this.#onEvent(event);
  }

  #whole(): ApiReply | ApiFailure {
    try {
      const message = JSON.parse(this.#buffer) as Record<string, unknown>;
      return {
        ok: true,
        id: String(message['id']),
        model: String(message['model']),
        content: message['content'] as Block[],
        stopReason: String(message['stop_reason']),
        startUsage: message['usage'] as ApiUsage,
        usage: message['usage'] as ApiUsage,
        headers: this.response?.headers ?? {},
      };
    } catch {
      return this.failure('The reply is not JSON.');
    }
  }

  #httpFailure(status: number): ApiFailure {
    let error: { type?: string; message?: string } = {};
    try {
      error = (JSON.parse(this.#buffer) as { error: typeof error }).error;
    } catch {
      error = { message: this.#buffer.slice(0, 500) };
    }
    return {
      ok: false,
      status,
      type: error.type ?? null,
      message: error.message ?? '',
      headers: this.response?.headers ?? {},
    };
  }
}

function string(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function completed(block: Record<string, unknown>, text: string): Block {
  if (block['type'] === 'text') return { ...block, type: 'text', text };
  if (text === '') return block as unknown as Block;
  return { ...block, type: String(block['type']), input: JSON.parse(text) as Record<string, unknown> };
}
