import type { AttemptEnd } from './attempt.ts';

/** Text beyond this says nothing more of what failed: it is the tail of an output. */
const MAX_TEXT = 4000;

/**
 * What two attempts have in common that failed of the same thing: the outcome and the message, without what differs
 * from one time to the next. Comparable only for equality.
 */
export function failureSignature({ outcome, message }: Pick<AttemptEnd, 'outcome' | 'message'>): string {
  let text = message.slice(0, MAX_TEXT);
  for (const [pattern, placeholder] of CHANGING) text = text.replace(pattern, placeholder);
  return `${outcome}: ${text.replace(/\s+/g, ' ').trim()}`;
}

/** The order matters: what is made of numbers comes before numbers. Each pattern takes linear time. */
const CHANGING: readonly (readonly [pattern: RegExp, placeholder: string])[] = [
  // Colours of a terminal.
  [/\u001b\[[\d;?]*[A-Za-z]/g, ''],
  [/\b[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}\b/gi, '<id>'],
  [/\b(?:req|msg|toolu)_\w+/g, '<id>'],
  [/(?:[A-Za-z]:)?(?:[\\/][\w.@+~-]+)*[\\/](?:tmp|temp|T|worktrees)[\\/][^\s:'"`)\]}]*/gi, '<path>'],
  [/\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?(?:[.,]\d+)?)?(?:Z| ?UTC|[+-]\d\d:?\d\d)?/g, '<time>'],
  [/\b\d{1,2}:\d\d(?::\d\d)?(?:[.,]\d+)?(?: ?[ap]m)?\b/gi, '<time>'],
  [/\b\d+(?:[.,]\d+)? ?(?:ns|µs|us|ms|s|m|h|sec|secs|seconds?|min|mins|minutes?|hours?)\b/g, '<duration>'],
  // A hash, not a word: it has a digit in it.
  [/\b(?=[\da-f]{0,63}\d)[\da-f]{7,64}\b/gi, '#'],
  [/\b0x[\da-f]+\b/gi, '#'],
  [/\d+(?:[.,]\d+)*/g, '#'],
];
