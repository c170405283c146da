import type { AttemptEnd } from './attempt.ts';

/** Text beyond this length is the tail of an output and says nothing more about the failure. */
const MAX_TEXT = 4000;

/**
 * Reduces a failure to its outcome and message without times, ids, paths and numbers. Two attempts with the same
 * signature failed for the same reason.
 */
export function failureSignature({ outcome, message }: Pick<AttemptEnd, 'outcome' | 'message'>): string {
  let text = message.slice(0, MAX_TEXT);
  for (const [pattern, placeholder] of VARIABLE_PARTS) text = text.replace(pattern, placeholder);
  return `${outcome}: ${text.replace(/\s+/g, ' ').trim()}`;
}

/** The order matters: patterns that contain numbers come before plain numbers. Each pattern takes linear time. */
const VARIABLE_PARTS: readonly (readonly [pattern: RegExp, placeholder: string])[] = [
  // Terminal colours.
  [/\u001b\[[\d;?]*[A-Za-z]/g, ''],
  [/\b[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}\b/gi, '<id>'],
  [/\b(?:req|msg|toolu)_\w+/g, '<id>'],
  [/(?:[A-Za-z]:)?(?:[\\/][\w.@+~-]+)*[\\/](?:tmp|temp|T|worktrees)[\\/][^\s:'"`)\]}]*/gi, '<path>'],
  [/\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?(?:[.,]\d+)?)?(?:Z| ?UTC|[+-]\d\d:?\d\d)?/g, '<time>'],
  [/\b\d{1,2}:\d\d(?::\d\d)?(?:[.,]\d+)?(?: ?[ap]m)?\b/gi, '<time>'],
  [/\b\d+(?:[.,]\d+)? ?(?:ns|µs|us|ms|s|m|h|sec|secs|seconds?|min|mins|minutes?|hours?)\b/g, '<duration>'],
  // A hash contains a digit, unlike a word.
  [/\b(?=[\da-f]{0,63}\d)[\da-f]{7,64}\b/gi, '#'],
  [/\b0x[\da-f]+\b/gi, '#'],
  [/\d+(?:[.,]\d+)*/g, '#'],
];
