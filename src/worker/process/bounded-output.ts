/** Keeps the beginning and the end of an output of any length, with a note of how much is left out between them. */
export class BoundedOutput {
  readonly #headBytes: number;
  readonly #tailBytes: number;
  #head = Buffer.alloc(0);
  #tail = Buffer.alloc(0);
  #dropped = 0;

  constructor(headBytes: number, tailBytes: number) {
    this.#headBytes = headBytes;
    this.#tailBytes = tailBytes;
  }

  push(chunk: Buffer): void {
    const toHead = chunk.subarray(0, this.#headBytes - this.#head.length);
    if (toHead.length > 0) this.#head = Buffer.concat([this.#head, toHead]);
    const rest = chunk.subarray(toHead.length);
    if (rest.length === 0) return;
    const tail = Buffer.concat([this.#tail, rest]);
    const excess = Math.max(0, tail.length - this.#tailBytes);
    this.#dropped += excess;
    this.#tail = Buffer.from(tail.subarray(excess));
  }

  toString(): string {
    const gap = this.#dropped === 0 ? '' : `\n[… ${this.#dropped} bytes left out …]\n`;
    return `${this.#head.toString()}${gap}${this.#tail.toString()}`;
  }
}
