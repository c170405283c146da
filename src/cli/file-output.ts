import { EventEmitter } from 'node:events';
import { writeSync } from 'node:fs';
import type { Output } from './cli.ts';

/**
 * An output that is a file. Node's own stream takes a write that a full disk has cut short for a whole one, so that
 * half a document would pass for success; this one goes on until all is written or the system says why it cannot be.
 */
export class FileOutput extends EventEmitter implements Output {
  readonly #descriptor: number;

  constructor(descriptor: number) {
    super();
    this.#descriptor = descriptor;
  }

  write(text: string | Uint8Array, done: () => void = () => undefined): boolean {
    const bytes = Buffer.from(text);
    try {
      for (let written = 0; written < bytes.length;) written += writeSync(this.#descriptor, bytes, written);
    } catch (error) {
      this.emit('error', error);
    }
    done();
    return true;
  }
}
