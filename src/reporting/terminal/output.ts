/** What displays need of a stream; `process.stdout` has it, and so has any `Writable`. */
export interface OutputStream {
  /** `done` is called when the text was taken over, or cannot be. */
  write(text: string, done?: () => void): boolean;
  readonly fd?: number | undefined;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
  /** Asks the terminal itself; `columns` and `rows` follow a change only when its signal has arrived. */
  getWindowSize?(): [columns: number, rows: number];
  on(event: 'error' | 'close' | 'drain' | 'resize', listener: () => void): unknown;
  off(event: 'error' | 'close' | 'drain' | 'resize', listener: () => void): unknown;
}

/** A stream that may be slow or go away: writing to it never throws, and its errors end nothing. */
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

  /** `onReady` is called whenever the stream takes text again after it was `blocked`. */
  constructor(stream: OutputStream, onReady: () => void = () => undefined) {
    this.#stream = stream;
    this.#onReady = onReady;
    stream.on('error', this.#end);
    stream.on('close', this.#end);
    stream.on('drain', this.#drain);
  }

  /** The reader is gone (a closed pipe, a closed terminal): nothing that is written from now on is seen. */
  get gone(): boolean {
    return this.#gone;
  }

  /** The reader is behind: what can wait or be left out should be. */
  get blocked(): boolean {
    return this.#blocked;
  }

  /** Cells of a line; 80 where the stream does not know. */
  get columns(): number {
    return atLeastOne(this.#askTerminal()?.[0] ?? this.#stream.columns, 80);
  }

  /** Lines of the screen; 24 where the stream does not know. */
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

  /** Resolves when all that was written was taken over, or the reader is gone. */
  async flushed(): Promise<void> {
    if (this.blocked) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    if (this.gone) return;
    await new Promise<void>((resolve) => {
      this.#waiting.push(resolve);
      this.#stream.write('', resolve);
    });
  }

  /** Stops listening, but for errors: a late one must not end the process. */
  detach(): void {
    this.#stream.off('close', this.#end);
    this.#stream.off('drain', this.#drain);
    this.#release();
  }

  #askTerminal(): [columns: number, rows: number] | undefined {
    try {
      return this.#stream.getWindowSize?.();
    } catch {
      // It is gone; the next write will tell.
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
