import { EventEmitter } from 'node:events';
import { writeSync } from 'node:fs';
import type { Output } from './cli.ts';

/**
 * An output that is a file. If a full disk cuts a write short, Node's own stream takes it for complete, so half a document
 * would look like success. This one writes until everything is written or the system reports an error.
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
