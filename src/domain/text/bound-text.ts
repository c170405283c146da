/**
 * How many lines of a long text are shown: of its beginning, from the first line that names a failure on, and of its
 * end.
 */
export interface TextBounds {
  readonly head: number;
  readonly failing: number;
  readonly tail: number;
}

/** The lines of a text, with one line in place of each part that is left out. */
export function boundText(text: string, { head, failing, tail }: TextBounds): string[] {
  const lines = text.trimEnd().split('\n');
  const end = lines.length - tail;
  if (end - head - failing < LEAST_LEFT_OUT) return lines;
  const failure = lines.findIndex((line) => namesFailure(line.slice(0, SEARCHED_CHARACTERS)));
  const from = Math.min(Math.max(failure, head), end);
  const to = failure === -1 ? from : Math.min(from + failing, end);
  return [
    ...lines.slice(0, head),
    ...(to === from ? leftOut(end - head) : [...leftOut(from - head), ...lines.slice(from, to)]),
    ...(to === from ? [] : leftOut(end - to)),
    ...lines.slice(end),
  ];
}

/** Leaving out one line saves nothing, since the line that says so takes its place. */
const LEAST_LEFT_OUT = 2;
const SEARCHED_CHARACTERS = 1000;

function namesFailure(line: string): boolean {
  return FAILURE.test(line) || EXCEPTION_NAME.test(line);
}

/** What common tools write about a failure; `0 failed` and `errors: 0` do not count. */
const FAILURE =
  /\bnot ok\b|(?<!\b0 )\b(?:fail(?:ed|ures?|ing|s)?|errors?)\b(?!: 0\b)|\b(?:exception|traceback|panic(?:ked)?|fatal)\b|[✗✘✖]/i;
const EXCEPTION_NAME = /[a-z](?:Error|Exception)\b/;

function leftOut(count: number): string[] {
  return count === 0 ? [] : [`… ${count} ${count === 1 ? 'line' : 'lines'} left out`];
}
