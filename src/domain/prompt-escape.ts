/**
 * Escapes a text so that the Claude CLI passes it to the model unchanged. The CLI attaches the file behind `@path` (at
 * the start or after white space) and runs a leading `/command`. A backslash before the sign prevents both, and a model
 * understands `\@` and `\/`. Different texts stay different, so no information is lost.
 */
export function escapePrompt(text: string): string {
  return text.replace(/^(\s*)(\\*\/)/, '$1\\$2').replace(/(^|\s)(\\*@)/g, '$1\\$2');
}
