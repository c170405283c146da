/** The input of a tool call that says best what it works on. Paths are relative to `directory` where one is given. */
export function findSubject(
  input: Readonly<Record<string, unknown>>,
  directory = '',
): { readonly name: string; readonly value: string } | undefined {
  for (const name of SUBJECTS) {
    const value = input[name];
    if (typeof value === 'string' && value !== '') return { name, value: relativeTo(directory, value) };
  }
  return undefined;
}

/** The inputs that say best what a tool works on, the best first. */
const SUBJECTS = ['file_path', 'notebook_path', 'command', 'pattern', 'path', 'url', 'query', 'description'];

/** The directory itself becomes a dot, such as in `cd … && npm test`. One whose name only begins like it stays. */
function relativeTo(directory: string, text: string): string {
  if (directory === '') return text;
  return text
    .replaceAll(`${directory}/`, '')
    .replaceAll(directory, (path, at: number, whole: string) =>
      /[\w.-]/.test(whole.charAt(at + path.length)) ? path : '.',
    );
}
