import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readConversation, type Role } from './conversation.ts';
import { Ledger } from './ledger.ts';
import { apiId, composeMessage } from './message.ts';
import { modelInfo, modelPage } from './models.ts';
import { keyLimitHeaders, rateLimitHeaders } from './rate-limit.ts';
import { errorBody, respond } from './respond.ts';
import { RuleBook } from './rules.ts';
import { parseScenario, type ScenarioInput } from './scenario.ts';

/** A request as it was received, kept for tests. */
interface SeenRequest {
  readonly id: string;
  /** Unix milliseconds. */
  readonly at: number;
  /** The session of the Claude CLI that asks. */
  readonly session: string | undefined;
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  /** Cut off after a million characters. */
  readonly body: string;
  readonly role?: Role;
  /** The rule that answered; undefined if none did. */
  readonly rule?: string;
}

/** A running simulator of the Anthropic Messages API. */
export interface Simulator {
  /** The base URL, e.g. `http://127.0.0.1:41234`. */
  readonly url: string;
  readonly ledger: Ledger;
  /** The newest requests, oldest first. */
  readonly requests: readonly SeenRequest[];
  /** Requests to `/v1/messages` that no rule answered; a scenario that covers everything leaves none. */
  readonly unmatched: readonly SeenRequest[];
  /** Resolves when every connection is closed and the port is free. */
  close(): Promise<void>;
}

const MAX_BODY_BYTES = 64 * 1024 * 1024;
const KEPT_BODY_CHARACTERS = 1_000_000;

/**
 * Starts a scripted Anthropic Messages API on loopback, at a free port.
 * Throws `Failed` ("config-invalid") if the scenario is not valid.
 */
export async function startSimulator(
  scenario: ScenarioInput,
  options: { readonly keepRequests?: number } = {},
): Promise<Simulator> {
  const simulation = new Simulation(scenario, options.keepRequests ?? 500);
  const server = createServer({ keepAlive: true }, (request, response) => {
    void simulation.answer(request, response);
  });
  server.requestTimeout = 0;
  server.on('connection', (socket) => {
    if (Date.now() < simulation.outageUntil) socket.resetAndDestroy();
    socket.on('error', () => socket.destroy());
  });
  simulation.dropConnections = () => server.closeAllConnections();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ledger: simulation.ledger,
    requests: simulation.requests,
    unmatched: simulation.unmatched,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        simulation.closing.abort();
        server.closeAllConnections();
      }),
  };
}

/** The state behind one server. */
class Simulation {
  readonly ledger = new Ledger();
  readonly requests: SeenRequest[] = [];
  readonly unmatched: SeenRequest[] = [];
  readonly closing = new AbortController();
  outageUntil = 0;
  dropConnections: () => void = () => undefined;
  readonly #rules: RuleBook;
  readonly #keep: number;

  constructor(scenario: ScenarioInput, keep: number) {
    this.#rules = new RuleBook(parseScenario(scenario), Date.now);
    this.#keep = keep;
  }

  /** Answers one request; never rejects. */
  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const requestId = apiId('req');
    try {
      const { method = 'GET', headers } = request;
      const path = new URL(request.url ?? '/', 'http://loopback').pathname;
      const body = await readBody(request);
      const seen = {
        id: requestId,
        at: Date.now(),
        session: [headers['x-claude-code-session-id']].flat()[0],
        method,
        path,
        headers,
        body: (body ?? '').slice(0, KEPT_BODY_CHARACTERS),
      };
      if (body !== undefined && method === 'POST' && path === '/v1/messages' && hasCredential(headers)) {
        await this.#message(seen, body, response);
        return;
      }
      this.#keepRequest(seen);
      sendJson(response, requestId, ...plainReply(seen, body));
    } catch (error) {
      if (response.headersSent || response.destroyed || this.closing.signal.aborted) response.destroy();
      else sendJson(response, requestId, 500, { message: String(error) });
    }
  }

  async #message(seen: SeenRequest, body: string, response: ServerResponse): Promise<void> {
    const read = readConversation(body, seen.headers['user-agent'] ?? '');
    if (!read.ok) {
      this.#keepRequest(seen);
      sendJson(response, seen.id, 400, { message: read.error });
      return;
    }
    const conversation = read.value;
    const { model, role, streaming } = conversation;
    const match = this.#rules.match(conversation);
    this.#keepRequest({ ...seen, role, ...(match === undefined ? {} : { rule: match.rule }) });
    if (match === undefined) {
      this.unmatched.push({ ...seen, role });
      sendJson(response, seen.id, 400, {
        message: `The simulator's scenario has no rule for this ${role} request.`,
      });
      return;
    }
    const { rule, reply, resetsFrom } = match;
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    await respond(reply, composeMessage(reply, conversation), {
      response,
      requestId: seen.id,
      streaming,
      headers: {
        'request-id': seen.id,
        ...(reply.rateLimit === undefined ? {} : rateLimitHeaders(reply.rateLimit, resetsFrom)),
        ...(reply.keyLimits === undefined ? {} : keyLimitHeaders(reply.keyLimits, resetsFrom)),
        ...reply.headers,
      },
      signal: AbortSignal.any([gone.signal, this.closing.signal]),
      bill: (charge) => this.ledger.book({ requestId: seen.id, role, rule, model }, charge),
      startOutage: (ms) => {
        this.outageUntil = Date.now() + ms;
        this.dropConnections();
      },
    });
  }

  #keepRequest(seen: SeenRequest): void {
    this.requests.push(seen);
    if (this.requests.length > this.#keep) this.requests.shift();
  }
}

type PlainReply = readonly [status: number, value: object];

/** The answer to everything that no scenario decides. */
function plainReply(seen: SeenRequest, body: string | undefined): PlainReply {
  if (body === undefined) return [413, { message: 'Request exceeds the maximum size' }];
  const { method, path } = seen;
  if (method === 'HEAD' && path === '/api/hello') return [200, {}];
  if (!hasCredential(seen.headers)) return [401, { message: 'x-api-key header is required' }];
  if (method === 'POST' && path === '/v1/messages/count_tokens') {
    return [200, { input_tokens: Math.ceil(body.length / 4) }];
  }
  if (method === 'GET' && path === '/v1/models') return [200, modelPage()];
  if (method === 'GET' && path.startsWith('/v1/models/')) {
    const id = decodeURIComponent(path.slice('/v1/models/'.length));
    const info = modelInfo(id);
    return info === undefined ? [404, { message: `model: ${id}` }] : [200, info];
  }
  return [404, { message: 'Not found' }];
}

function hasCredential(headers: IncomingMessage['headers']): boolean {
  return headers['x-api-key'] !== undefined || headers.authorization !== undefined;
}

/** The body as text; undefined if it is larger than the API accepts. */
async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Sends `value`; if the status is one of an error, sends an error with its `message`. */
function sendJson(response: ServerResponse, requestId: string, status: number, value: object): void {
  const message = 'message' in value ? String(value.message) : undefined;
  response.writeHead(status, { 'content-type': 'application/json', 'request-id': requestId });
  response.end(status < 400 ? JSON.stringify(value) : errorBody(status, requestId, message));
}
