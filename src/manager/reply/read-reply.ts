import { err, ok, type Result } from '../../domain/result.ts';
import { parseJson } from '../../domain/text/parse-json.ts';
import type { Mended, ReplyForm } from '../manager.ts';
import { mendIssues } from './mend-reply.ts';
import { describeFormProblems } from './schemas.ts';

/**
 * Reads a reply, as JSON or as text, and mends what can be mended without losing or inventing anything: a fence around
 * it, a text that is too long for its field and continues in the next one, a number outside its bounds, a synonym of a
 * required word, a field with another name or without a place. What is not certain stays a problem of the form.
 */
export function readReply<T>(
  form: ReplyForm<T>,
  reply: { readonly text: string } | { readonly json: unknown },
): Result<Mended<T>, string[]> {
  const notes: string[] = [];
  const given = 'json' in reply ? reply.json : extractJson(reply.text, notes);
  if (given === undefined) return err(['The reply is not JSON.']);
  const [value] = structuredClone([given]) as [unknown];
  const whole = { value };
  for (let round = 0; ; round++) {
    const parsed = form.schema.safeParse(whole.value);
    if (parsed.success) {
      const mended = form.mend?.(parsed.data) ?? { value: parsed.data, notes: [] };
      return ok({ value: mended.value, notes: [...notes, ...mended.notes] });
    }
    const mended = mendIssues(whole, parsed.error.issues);
    notes.push(...mended);
    if (mended.length === 0 || round >= MAX_ROUNDS) return err(describeFormProblems(parsed.error));
  }
}

/** This many rounds mend a text that overflows three times. */
const MAX_ROUNDS = 8;

/** Finds the JSON in a text: all of it, or the part in a fence or between other words. Undefined if there is none. */
export function extractJson(text: string, notes: string[] = []): unknown {
  const bare = text.replace(/^\uFEFF/, '').trim();
  const whole = parseJson(bare);
  if (whole !== undefined) return whole;
  const fenced = Array.from(bare.matchAll(/^[ \t]*```[\w-]*[ \t]*\r?\n([^]*?)^[ \t]*```[ \t]*$/gm))
    .map(([, inside = '']) => parseJson(inside))
    .filter((value) => value !== undefined);
  const [only] = fenced.length === 1 ? fenced : [parseJson(between(bare))];
  if (only !== undefined) notes.push('The reply: the text around its JSON was left out.');
  return only;
}

/** Joins the parts of a reply that was cut and continued. A part may repeat the end of the one before it. */
export function joinParts(parts: readonly string[]): string {
  const bare = parts.map((part, index) => (index === 0 ? part : part.replace(LEADING_FENCE, '')));
  const joined = (least: number): string =>
    bare.reduce((before, part) => {
      const again = overlap(before, part);
      return before + part.slice(again < least ? 0 : again);
    });
  const ways = [joined(CERTAIN_OVERLAP), parts.join(''), joined(0), parts.at(-1) ?? ''];
  return ways.find((text) => extractJson(text) !== undefined) ?? parts.join('');
}

const LEADING_FENCE = /^\s*```[\w-]*[ \t]*\r?\n/;

/** This many characters are not equal by chance. */
const CERTAIN_OVERLAP = 12;

/** How much of the beginning of `part` is the end of `before`. */
function overlap(before: string, part: string): number {
  for (let length = Math.min(before.length, part.length, 2_000); length > 0; length--)
    if (before.endsWith(part.slice(0, length))) return length;
  return 0;
}

/** From the first bracket to the last one. */
function between(text: string): string {
  const start = text.search(/[[{]/);
  return start === -1 ? '' : text.slice(start, Math.max(text.lastIndexOf('}'), text.lastIndexOf(']')) + 1);
}
