import type { z } from 'zod';
import { err, ok, type Result } from '../../domain/result.ts';
import { describeFormProblems } from './schemas.ts';
import { matchWord } from './words.ts';

/** What was made of a reply. */
export interface Mended<T> {
  readonly value: T;
  /** What was mended in it, for people. */
  readonly notes: readonly string[];
}

/** How a reply is read: its form, and what can be mended in one that has it. */
export interface ReplyForm<T> {
  readonly schema: z.ZodType<T>;
  mend?(value: T): Mended<T>;
}

/**
 * Reads a reply, whole or as text, and mends what can be mended without losing or inventing anything: a fence around it,
 * a text that is too long for its field and goes on in the next one, a number outside its bounds, a word that means one
 * of those asked for, a field of another name or of its own. What is not certain stays a problem of the form.
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
    const before = notes.length;
    // A field of another name may be the one that is missed.
    const [named, others] = [
      parsed.error.issues.filter(isUnknownKey),
      parsed.error.issues.filter((one) => !isUnknownKey(one)),
    ];
    for (const issue of [...named, ...others]) {
      const note = mendIssue(whole, issue, parsed.error.issues);
      if (note !== undefined) notes.push(`${placeOf(whole.value, issue.path)}: ${note}`);
    }
    if (notes.length === before || round >= MAX_ROUNDS) return err(describeFormProblems(parsed.error));
  }
}

/** A text that overflows three times over has been mended after so many. */
const MAX_ROUNDS = 8;

/** The JSON that a text is, or that stands in it in a fence or between other words; undefined if there is none. */
export function extractJson(text: string, notes: string[] = []): unknown {
  const bare = text.replace(/^\uFEFF/, '').trim();
  const whole = parse(bare);
  if (whole !== undefined) return whole;
  const fenced = Array.from(bare.matchAll(/^[ \t]*```[\w-]*[ \t]*\r?\n([^]*?)^[ \t]*```[ \t]*$/gm))
    .map(([, inside = '']) => parse(inside))
    .filter((value) => value !== undefined);
  const [only] = fenced.length === 1 ? fenced : [parse(between(bare))];
  if (only !== undefined) notes.push('The reply: what stood around its JSON was left out.');
  return only;
}

/** The parts of a reply that was cut and went on, as one text; a part may say again what stood at the end before it. */
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

/** So many characters are not the same by chance. */
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

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

type Fields = Record<string, unknown>;
type Issue = z.core.$ZodIssue;

/** Where a text goes on that is too long for its field. */
const CONTINUES: Readonly<Record<string, readonly string[]>> = {
  title: ['description', 'evidence'],
  description: ['details'],
};

/** Texts that may be empty, so that one that is missing is. */
const MAY_BE_EMPTY = ['description', 'details', 'testStrategy', 'file'];
/** Lists of which an empty one says the same as none. */
const MAY_BE_NONE = ['touches', 'sources', 'resolved'];

const isUnknownKey = ({ code }: Issue): boolean => code === 'unrecognized_keys';

/** Mends one thing in place and says what; undefined where it cannot be. */
function mendIssue(whole: { value: unknown }, issue: Issue, all: readonly Issue[]): string | undefined {
  const path = issue.path;
  if (issue.code === 'unrecognized_keys') {
    const owner = fieldsAt(whole.value, path);
    return owner === undefined ? undefined : mendKeys(owner, issue.keys, missingBelow(path, all, owner));
  }
  const key = path.at(-1);
  if (key === undefined) {
    // The list of tasks without the object around it.
    if (!Array.isArray(whole.value)) return undefined;
    whole.value = { tasks: whole.value as unknown[] };
    return 'the list was taken for its tasks.';
  }
  const owner = valueAt(whole.value, path.slice(0, -1)) as Fields | undefined;
  if (owner === undefined || typeof key === 'symbol') return undefined;
  const field = String(key);
  const given = owner[field];
  const mended = mendValue(owner, field, given, issue);
  if (mended === undefined) return undefined;
  owner[field] = mended.value;
  return `${mended.note}.`;
}

function mendValue(
  owner: Fields,
  field: string,
  given: unknown,
  issue: Issue,
): { value: unknown; note: string } | undefined {
  switch (issue.code) {
    case 'too_big':
      if (typeof given === 'number') return clamped(field, given, Number(issue.maximum));
      return typeof given === 'string' ? continued(owner, field, given, Number(issue.maximum)) : undefined;
    case 'too_small':
      return typeof given === 'number' ? clamped(field, given, Number(issue.minimum)) : undefined;
    case 'invalid_value': {
      const word = typeof given === 'string' ? matchWord(given, issue.values.map(String)) : undefined;
      return word === undefined
        ? undefined
        : { value: word, note: `${field} "${given as string}" is taken for "${word}"` };
    }
    case 'invalid_type':
      return converted(field, given, issue.expected);
    default:
      return undefined;
  }
}

function clamped(field: string, given: number, bound: number): { value: number; note: string } {
  return { value: bound, note: `${field} ${given} is taken for ${bound}` };
}

/** Cuts between words; nothing is left out but white space. */
function continued(
  owner: Fields,
  field: string,
  given: string,
  limit: number,
): { value: string; note: string } | undefined {
  const next = CONTINUES[field]?.find((name) => typeof owner[name] === 'string');
  if (next === undefined) return undefined;
  const room = given.slice(0, limit - 1);
  const space = room.search(/\s\S*$/);
  let cut = space > limit / 2 ? space : room.length;
  // Not between the halves of one character.
  if (/[\uD800-\uDBFF]/.test(given.charAt(cut - 1))) cut--;
  const after = owner[next] as string;
  owner[next] = `…${given.slice(cut).trimStart()}${after === '' ? '' : `\n\n${after}`}`;
  return {
    value: `${given.slice(0, cut)}…`,
    note: `the ${field} is longer than ${limit} characters and goes on in ${next}`,
  };
}

function converted(
  field: string,
  given: unknown,
  expected: string,
): { value: unknown; note: string } | undefined {
  const note = (value: unknown): { value: unknown; note: string } => ({
    value,
    note: `${field} ${JSON.stringify(given)} is taken for ${JSON.stringify(value)}`,
  });
  const isText = typeof given === 'string';
  switch (expected) {
    case 'string':
      if (typeof given === 'number') return note(String(given));
      if (Array.isArray(given) && given.every((line) => typeof line === 'string'))
        return note(given.join('\n'));
      return (given ?? null) === null && MAY_BE_EMPTY.includes(field)
        ? { value: '', note: `${field} is missing and taken for empty` }
        : undefined;
    case 'number': {
      const number = isText
        ? /^\s*(\d+(?:\.\d+)?)\s*(?:m|min|mins|minutes)?\s*$/i.exec(given)?.[1]
        : undefined;
      return number === undefined ? undefined : note(Number(number));
    }
    case 'int':
      return typeof given === 'number' && Number.isFinite(given) ? note(Math.round(given)) : undefined;
    case 'array':
      if (isText)
        return note(
          given
            .split(',')
            .map((part) => part.trim())
            .filter((part) => part !== ''),
        );
      if (typeof given === 'number') return note([String(given)]);
      if (given === null || (given === undefined && MAY_BE_NONE.includes(field)))
        return { value: [], note: `${field} is missing and taken for empty` };
      return undefined;
    default:
      return undefined;
  }
}

/** The fields that an object lacks, by the issues beside the one for what it has too much. */
function missingBelow(path: readonly PropertyKey[], all: readonly Issue[], owner: Fields): string[] {
  return all
    .filter(
      (issue) =>
        issue.path.length === path.length + 1 && path.every((key, index) => issue.path[index] === key),
    )
    .map((issue) => String(issue.path.at(-1)))
    .filter((field) => owner[field] === undefined);
}

/** A field by another spelling gets its name, and a text that has no field goes where the rest is told. */
function mendKeys(owner: Fields, keys: readonly string[], missing: readonly string[]): string | undefined {
  const notes: string[] = [];
  const simple = (name: string): string => name.toLowerCase().replace(/[^a-z]/g, '');
  for (const key of keys) {
    const given = owner[key];
    const meant = missing.find((field) => simple(field) === simple(key) && owner[field] === undefined);
    const home = ['details', 'evidence'].find((field) => typeof owner[field] === 'string');
    const isEmpty = given === null || given === '' || (Array.isArray(given) && given.length === 0);
    const text = textOf(given);
    if (meant !== undefined) owner[meant] = given;
    else if (!isEmpty && home !== undefined && text !== undefined) {
      const before = owner[home] as string;
      owner[home] = `${before}${before === '' ? '' : '\n\n'}${key}: ${text}`;
    } else if (!isEmpty) continue;
    Reflect.deleteProperty(owner, key);
    notes.push(
      `there is no field "${key.slice(0, 60)}"${meant !== undefined ? `, it is taken for ${meant}` : isEmpty ? '' : `, its text is in ${home ?? ''}`}`,
    );
  }
  return notes.length === 0 ? undefined : `${notes.join('; ')}.`;
}

/** What can be told as a line; objects may be tasks, and stay a problem. */
function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value.join(', ');
  return undefined;
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (inner, key) => (inner as Record<PropertyKey, unknown> | undefined)?.[key],
    value,
  );
}

function fieldsAt(value: unknown, path: readonly PropertyKey[]): Fields | undefined {
  const found = valueAt(value, path);
  return typeof found === 'object' && found !== null && !Array.isArray(found) ? (found as Fields) : undefined;
}

/** For people: a task by its id where it has one. */
function placeOf(whole: unknown, path: readonly PropertyKey[]): string {
  const [list, index] = path;
  if (typeof index !== 'number') return 'The reply';
  const id = fieldsAt(whole, [list ?? '', index])?.['id'];
  const name = typeof id === 'string' || typeof id === 'number' ? String(id).slice(0, 30) : '';
  return list === 'tasks' && name !== '' ? `Task ${name}` : `${String(list)}.${index}`;
}
