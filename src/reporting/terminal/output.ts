import { createWriteStream } from 'node:fs';

/** The part of a stream that displays need. `process.stdout` and every `Writable` have it. */
export interface OutputStream {
  /** Calls `done` when the stream has taken the text, or never will. */
  write(text: string, done?: () => void): boolean;
  readonly fd?: number | undefined;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
  /** Asks the terminal itself. `columns` and `rows` change only once the signal of a new size has arrived. */
  getWindowSize?(): [columns: number, rows: number];
  on(event: 'error' | 'close' | 'drain' | 'resize', listener: () => void): unknown;
  off(event: 'error' | 'close' | 'drain' | 'resize', listener: () => void): unknown;
}

/** Writes to a stream that may be slow or go away. Writing never throws, and an error of the stream ends nothing. */
export class Output {
  readonly #stream: OutputStream;
  readonly #onReady: () => void;
  #gone = false;
  #blocked = false;
  #waiting: (() => void)[] = [];
  readonly #end = (): void => {
    this.#gone = true;
    this.#release();
  };
  readonly #drain = (): void => {
    this.#blocked = false;
    this.#onReady();
    if (!this.blocked) this.#release();
  };

  /** Calls `onReady` whenever the stream takes text again after it was `blocked`. */
  constructor(stream: OutputStream, onReady: () => void = () => undefined) {
    this.#stream = stream;
    this.#onReady = onReady;
    stream.on('error', this.#end);
    stream.on('close', this.#end);
    stream.on('drain', this.#drain);
  }

  /** Whether the reader is gone (a closed pipe, a closed terminal), so that nobody sees what is written from now on. */
  get gone(): boolean {
    return this.#gone;
  }

  /** Whether the reader is slow, so that text that can wait or be left out should be. */
  get blocked(): boolean {
    return this.#blocked;
  }

  /** The cells of a line; 80 if the stream does not know. */
  get columns(): number {
    return atLeastOne(this.#askTerminal()?.[0] ?? this.#stream.columns, 80);
  }

  /** The lines of the screen; 24 if the stream does not know. */
  get rows(): number {
    return atLeastOne(this.#askTerminal()?.[1] ?? this.#stream.rows, 24);
  }

  write(text: string): void {
    if (this.#gone) return;
    try {
      if (!this.#stream.write(text)) this.#blocked = true;
    } catch {
      this.#end();
    }
  }

  /** Resolves when the stream has taken everything that was written, or the reader is gone. */
  async flushed(): Promise<void> {
    if (this.blocked) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    if (this.gone) return;
    await new Promise<void>((resolve) => {
      this.#waiting.push(resolve);
      this.#stream.write('', resolve);
    });
  }

  /** Stops listening, except for errors: a late error must not end the process. */
  detach(): void {
    this.#stream.off('close', this.#end);
    this.#stream.off('drain', this.#drain);
    this.#release();
  }

  #askTerminal(): [columns: number, rows: number] | undefined {
    try {
      return this.#stream.getWindowSize?.();
    } catch {
      // The terminal is gone; the next write finds out.
      return undefined;
    }
  }

  #release(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}

function atLeastOne(value: number | undefined, otherwise: number): number {
  return value !== undefined && value >= 1 ? value : otherwise;
}

/**
 * Makes a stream that writes to the same terminal from Node's thread pool. Node's own stream writes to a terminal
 * synchronously, so Ctrl-S or a frozen window would stop the event loop and with it the run. A stream that is no
 * terminal is returned as it is, since it does not block.
 */
export function withoutBlocking(stream: OutputStream): OutputStream {
  const { fd, isTTY } = stream;
  if (isTTY !== true || fd === undefined) return stream;
  const writer = createWriteStream('', { fd, autoClose: false });
  const target = (event: string): Pick<OutputStream, 'on' | 'off'> => (event === 'resize' ? stream : writer);
  return {
    write: (text, done) => writer.write(text, done),
    get columns() {
      return stream.columns;
    },
    get rows() {
      return stream.rows;
    },
    ...(stream.getWindowSize === undefined
      ? {}
      : { getWindowSize: () => stream.getWindowSize?.() ?? [80, 24] }),
    on: (event, listener) => target(event).on(event, listener),
    off: (event, listener) => target(event).off(event, listener),
  };
}
