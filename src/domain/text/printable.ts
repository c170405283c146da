const ESCAPE_SEQUENCE = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-_])/g;
const UNPRINTABLE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** Text from outside as several printable lines: no escape sequences, no other control or direction characters. */
export function printable(text: string): string {
  return text.replace(ESCAPE_SEQUENCE, '').replace(/\r\n?/g, '\n').replace(UNPRINTABLE, '');
}

/** Text from outside as one printable line of at most `maxLength` characters. */
export function singleLine(text: string, maxLength: number): string {
  // The text is cut first, so that a text of megabytes costs no more than a short one.
  const line = printable(text.slice(0, maxLength * 8))
    .replace(/\s+/g, ' ')
    .trim();
  return cutText(line, maxLength);
}

/** The text if it has at most `maxLength` characters, else its beginning with `…`. It never cuts a character in two. */
export function cutText(text: string, maxLength: number): string {
  if (text.length <= maxLength) return text;
  return `${text.slice(0, maxLength - 1).replace(/[\ud800-\udbff]$/, '')}…`;
}
