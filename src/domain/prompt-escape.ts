/**
 * The text in a form that the Claude CLI passes to the model as it is: it would attach the file behind `@path` (at
 * the start or after white space) and run a leading `/command`. A backslash before the sign prevents both, and a
 * model reads `\@` and `\/` as what they are. Every text has a form of its own, so nothing is lost.
 */
export function escapePrompt(text: string): string {
  return text.replace(/^(\s*)(\\*\/)/, '$1\\$2').replace(/(^|\s)(\\*@)/g, '$1\\$2');
}
