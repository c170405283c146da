import { LineSplitter, type SplitLine } from '../domain/text/line-splitter.ts';
import type { Output } from './cli.ts';

/** A stream that is written to no faster than its reader reads, so that what is shown may be of any size. */
export class PacedOutput {
  readonly #stream: Output;
  readonly #gone = new AbortController();
  #drained: () => void = () => undefined;
  readonly #onDrain = (): void => this.#drained();
  readonly #onError = (): void => {
    this.#gone.abort();
    this.#drained();
  };

  constructor(stream: Output) {
    this.#stream = stream;
    stream.on('drain', this.#onDrain);
    stream.on('error', this.#onError);
  }

  /** Aborts when nobody reads any more: a closed pipe, a closed terminal. */
  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  /** Resolves when more may be written, or when the reader is gone. */
  async write(text: string | Uint8Array): Promise<void> {
    if (this.#gone.signal.aborted || text.length === 0) return;
    const drained = new Promise<void>((resolve) => (this.#drained = resolve));
    if (!this.#stream.write(text)) await drained;
  }

  /** Stops listening. */
  release(): void {
    this.#stream.off('drain', this.#onDrain);
    this.#stream.off('error', this.#onError);
  }
}

/** Bytes in, painted lines out, as soon as each is whole. */
export class LinePainter {
  readonly #splitter: LineSplitter;
  #lines: string[] = [];

  constructor(paint: (text: string) => string) {
    this.#splitter = new LineSplitter((line) => this.#lines.push(`${paint(textOf(line))}\n`));
  }

  paint(chunk: Uint8Array): string {
    this.#splitter.push(Buffer.from(chunk));
    return this.#taken();
  }

  end(): string {
    this.#splitter.end();
    return this.#taken();
  }

  #taken(): string {
    const text = this.#lines.join('');
    this.#lines = [];
    return text;
  }
}

function textOf(line: SplitLine): string {
  return line.kind === 'line' ? line.bytes.toString('utf8') : `[a line of ${line.byteLength} bytes]`;
}
