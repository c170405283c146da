import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** How one request is answered; the body has been read by then. */
export type Answer = (response: ServerResponse, request: IncomingMessage) => void;

/** A server on loopback that answers as the test says, and keeps what it was sent. */
export class FailingServer implements AsyncDisposable {
  readonly bodies: string[] = [];
  readonly headers: IncomingMessage['headers'][] = [];
  /** The next answers; then `otherwise`. */
  readonly answers: Answer[] = [];
  otherwise: Answer = status(200, 'ok');
  readonly #server = createServer((request, response) => void this.#answer(request, response));
  readonly #waiting: { readonly count: number; readonly wake: () => void }[] = [];

  static async start(): Promise<FailingServer> {
    const server = new FailingServer();
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve));
    return server;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/services/T0/B0/SECRETSECRET`;
  }

  /** Resolves when so many requests have come in all. */
  async received(count: number): Promise<void> {
    if (this.bodies.length >= count) return;
    await new Promise<void>((wake) => this.#waiting.push({ count, wake }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    request.on('error', () => undefined);
    response.on('error', () => undefined);
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer);
    } catch {
      return;
    }
    this.bodies.push(Buffer.concat(chunks).toString('utf8'));
    this.headers.push(request.headers);
    (this.answers.shift() ?? this.otherwise)(response, request);
    for (const { count, wake } of this.#waiting) if (this.bodies.length >= count) wake();
  }
}

/** Answers with a status and a text. */
export function status(code: number, text = '', headers: Record<string, string> = {}): Answer {
  return (response) => response.writeHead(code, headers).end(text);
}

/** Never answers. */
export const hang: Answer = () => undefined;

/** Cuts the connection. */
export const reset: Answer = (response) => void response.socket?.resetAndDestroy();

/** Begins to answer, and never ends. */
export function endless(code: number): Answer {
  return (response) => {
    response.writeHead(code);
    const fill = (): void => {
      while (!response.destroyed && response.write('x'.repeat(65_536)));
    };
    response.on('drain', fill);
    fill();
  };
}
