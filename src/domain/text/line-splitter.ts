/** A line without its line feed, or the size of a line that was too long to keep. */
export type SplitLine =
  | { readonly kind: 'line'; readonly bytes: Buffer }
  | { readonly kind: 'oversized'; readonly byteLength: number };

/** The longest line that is kept. The longest lines of a model's reply and of a tool's output are a tenth of it. */
const MAX_LINE_BYTES = 32 * 1024 * 1024;

const LINE_FEED = 0x0a;
const EMPTY = Buffer.alloc(0);

/**
 * Splits a stream of bytes into lines, with at most one line in memory. A line over `maxBytes` is counted and dropped
 * as it arrives; the lines after it are kept again.
 */
export class LineSplitter {
  readonly #onLine: (line: SplitLine) => void;
  readonly #maxBytes: number;
  #parts: Buffer[] = [];
  #length = 0;

  constructor(onLine: (line: SplitLine) => void, maxBytes = MAX_LINE_BYTES) {
    this.#onLine = onLine;
    this.#maxBytes = maxBytes;
  }

  push(chunk: Buffer): void {
    let start = 0;
    for (let end = chunk.indexOf(LINE_FEED); end !== -1; end = chunk.indexOf(LINE_FEED, start)) {
      this.#add(chunk.subarray(start, end));
      this.#flush();
      start = end + 1;
    }
    this.#add(chunk.subarray(start));
  }

  /** Ends the stream. The bytes after the last line feed are a line too. */
  end(): void {
    if (this.#length > 0) this.#flush();
  }

  #add(part: Buffer): void {
    if (part.length === 0) return;
    this.#length += part.length;
    // Copied, because the reader fills the same chunk again.
    if (this.#length <= this.#maxBytes) this.#parts.push(Buffer.from(part));
    else this.#parts = [];
  }

  #flush(): void {
    const byteLength = this.#length;
    const parts = this.#parts;
    this.#parts = [];
    this.#length = 0;
    if (byteLength > this.#maxBytes) this.#onLine({ kind: 'oversized', byteLength });
    else
      this.#onLine({ kind: 'line', bytes: parts.length === 1 ? (parts[0] ?? EMPTY) : Buffer.concat(parts) });
  }
}
