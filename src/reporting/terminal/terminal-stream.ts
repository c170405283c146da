import { createWriteStream } from 'node:fs';
import type { OutputStream } from './output.ts';

/**
 * The same terminal, written to from Node's thread pool. Node's own stream writes to a terminal synchronously: Ctrl-S,
 * or a window that is frozen, would stop the event loop and with it the run. Anything but a terminal is given back as
 * it is, since those streams do not block.
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
