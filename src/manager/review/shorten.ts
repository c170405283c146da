/**
 * The text in at most `maxBytes` bytes of UTF-8: where it is longer, whole lines of its beginning and, by `endShare`
 * (0 to 1), of its end, with a line between them that tells how much is missing.
 */
export function truncateMiddle(text: string, maxBytes: number, endShare: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= maxBytes) return text;
  const room = Math.max(0, maxBytes - NOTE_BYTES);
  const tailBytes = Math.floor(room * endShare);
  const head = wholeLines(bytes.subarray(0, room - tailBytes), 'beginning');
  const tail = wholeLines(bytes.subarray(bytes.length - tailBytes), 'end');
  const missing = bytes.length - head.length - tail.length;
  const note = `[… ${missing} bytes left out …]`;
  return [decode(head), note, decode(tail)].filter((part) => part !== '').join('\n');
}

/** Room for the line that tells what is missing, and the line feeds around it. */
const NOTE_BYTES = 48;
const LINE_FEED = 0x0a;

/** Without a line that was cut, unless it is the only one or a long one. */
function wholeLines(bytes: Buffer, side: 'beginning' | 'end'): Buffer {
  if (side === 'beginning') {
    const end = bytes.lastIndexOf(LINE_FEED);
    return end > bytes.length / 2 ? bytes.subarray(0, end) : bytes;
  }
  const start = bytes.indexOf(LINE_FEED) + 1;
  return start > 0 && start < bytes.length / 2 ? bytes.subarray(start) : bytes;
}

/** A character that was cut in two is dropped. */
function decode(bytes: Buffer): string {
  return bytes.toString().replace(/^\ufffd{1,3}|\ufffd$/g, '');
}
