/** Quotes a text as one word of a command line that people copy: a POSIX shell reads it as the text itself. */
export function shellQuote(text: string): string {
  return /^[\w./:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
