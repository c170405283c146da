import type { Redact } from '../../domain/redact.ts';
import { printable } from '../../domain/text/printable.ts';
import { attemptFiles } from '../../worker/claude/attempt-files.ts';
import type { Cli } from '../cli.ts';
import { followFile, followLines, until, type LogRequest } from '../../app/transcript/follow-transcript.ts';

/**
 * Shows a transcript as it is, byte by byte, but for lines that hold a secret; on a terminal, without what could move its
 * cursor. False if there is none.
 */
export async function showRaw(cli: Cli, request: LogRequest): Promise<boolean> {
  const { output, attempt, redact } = request;
  const { transcript } = attemptFiles(attempt.files);
  if (cli.stdout.isTTY !== true) {
    const lines = new RedactedLines(redact);
    const isThere = await followFile(transcript, {
      ...until(request),
      onChunk: (chunk) => output.write(lines.take(chunk)),
      onCaughtUp: () => Promise.resolve(),
    });
    if (!request.signal.aborted) await output.write(lines.end());
    return isThere;
  }
  return await followLines(transcript, request, {
    onLine: (line) =>
      output.write(
        line.kind === 'line'
          ? `${printable(redact(line.bytes.toString('utf8')))}\n`
          : `[a line of ${line.byteLength} bytes]\n`,
      ),
    onCaughtUp: () => Promise.resolve(),
  });
}

const LINE_FEED = 0x0a;
/** A line that is longer is given in pieces. */
const MOST_WAITING = 32 * 1024 * 1024;

/** Bytes in, the same bytes out as soon as their line is whole, but for lines in which something is redacted. */
class RedactedLines {
  readonly #redact: Redact;
  #parts: Buffer[] = [];
  #length = 0;

  constructor(redact: Redact) {
    this.#redact = redact;
  }

  take(chunk: Buffer): Buffer {
    const end = chunk.lastIndexOf(LINE_FEED) + 1;
    const whole = end === 0 && this.#length < MOST_WAITING ? EMPTY : this.#flush(chunk.subarray(0, end));
    // Copied, because the reader fills the same chunk again.
    const rest = Buffer.from(chunk.subarray(end));
    this.#parts.push(rest);
    this.#length += rest.length;
    return whole;
  }

  end(): Buffer {
    return this.#flush(EMPTY);
  }

  #flush(last: Buffer): Buffer {
    const bytes = Buffer.concat([...this.#parts, last]);
    this.#parts = [];
    this.#length = 0;
    const text = bytes.toString('utf8');
    const redacted = text.split('\n').map(this.#redact).join('\n');
    return redacted === text ? bytes : Buffer.from(redacted);
  }
}

const EMPTY = Buffer.alloc(0);
