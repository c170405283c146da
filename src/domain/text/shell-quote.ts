/** A word of a command line for people to copy: what a POSIX shell makes of it is the text itself. */
export function shellQuote(text: string): string {
  return /^[\w./:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
