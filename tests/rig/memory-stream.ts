import { EventEmitter } from 'node:events';
import type { OutputStream } from '../../src/reporting/terminal/output.ts';

/** A stream that keeps what is written, and is slow or gone as the test wants it. */
export class MemoryStream extends EventEmitter implements OutputStream {
  text = '';
  columns: number | undefined;
  rows: number | undefined;
  /** While true, every write says that the reader is behind. */
  full = false;
  /** What the next writes throw, as a closed terminal may. */
  failure: Error | undefined;

  constructor(columns?: number, rows?: number) {
    super();
    this.columns = columns;
    this.rows = rows;
  }

  write(text: string, done?: () => void): boolean {
    if (this.failure !== undefined) throw this.failure;
    this.text += text;
    if (done !== undefined) queueMicrotask(done);
    return !this.full;
  }

  /** The reader has caught up. */
  drain(): void {
    this.full = false;
    this.emit('drain');
  }

  lines(): string[] {
    return this.text.split('\n').slice(0, -1);
  }
}
