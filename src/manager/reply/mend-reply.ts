import type { z } from 'zod';

type Fields = Record<string, unknown>;
type Issue = z.core.$ZodIssue;

/**
 * Mends in place what can be mended of these issues of a reply without losing or inventing anything, and says for
 * people what was done; an issue that is not certain is left.
 */
export function mendIssues(whole: { value: unknown }, issues: readonly Issue[]): string[] {
  // A field of another name may be the one that is missing, so names come first.
  const inOrder = [...issues].sort((a, b) => Number(isUnknownKey(b)) - Number(isUnknownKey(a)));
  return inOrder.flatMap((issue) => {
    const note = mendIssue(whole, issue, issues);
    return note === undefined ? [] : [`${placeOf(whole.value, issue.path)}: ${note}`];
  });
}

/** The fields in which a text continues that is too long for its own field. */
const CONTINUES: Readonly<Record<string, readonly string[]>> = {
  title: ['description', 'evidence'],
  description: ['details'],
};

/** Texts that may be empty. A missing one counts as empty. */
const MAY_BE_EMPTY = ['description', 'details', 'testStrategy', 'file'];
/** Lists that may be empty. A missing one counts as empty. */
const MAY_BE_NONE = ['touches', 'sources', 'resolved'];

const isUnknownKey = ({ code }: Issue): boolean => code === 'unrecognized_keys';

/** Mends one issue in place and says how. Undefined if it cannot be mended. */
function mendIssue(whole: { value: unknown }, issue: Issue, all: readonly Issue[]): string | undefined {
  const path = issue.path;
  if (issue.code === 'unrecognized_keys') {
    const owner = fieldsAt(whole.value, path);
    return owner === undefined ? undefined : mendKeys(owner, issue.keys, missingBelow(path, all, owner));
  }
  const key = path.at(-1);
  if (key === undefined) {
    // The reply is the list of tasks without the object around it.
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

/** Cuts between words. Only white space is left out. */
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
  // A character must not be cut in two.
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

/** The missing fields of an object, according to its other issues. */
function missingBelow(path: readonly PropertyKey[], all: readonly Issue[], owner: Fields): string[] {
  return all
    .filter(
      (issue) =>
        issue.path.length === path.length + 1 && path.every((key, index) => issue.path[index] === key),
    )
    .map((issue) => String(issue.path.at(-1)))
    .filter((field) => owner[field] === undefined);
}

/** A field with another spelling gets its name. A text without a field goes into the field for details or evidence. */
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

/** A value as one text. Undefined for objects, which may be tasks and stay a problem. */
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

/** For people: where an issue is. A task is named by its id, if it has one. */
function placeOf(whole: unknown, path: readonly PropertyKey[]): string {
  const [list, index] = path;
  if (typeof index !== 'number') return 'The reply';
  const id = fieldsAt(whole, [list ?? '', index])?.['id'];
  const name = typeof id === 'string' || typeof id === 'number' ? String(id).slice(0, 30) : '';
  return list === 'tasks' && name !== '' ? `Task ${name}` : `${String(list)}.${index}`;
}

/** Words that models use for the required words. The first required word in the list is meant. Similarity never counts. */
const MEANINGS: readonly (readonly [words: string, meant: readonly string[]])[] = [
  ['urgent critical blocker highest severe must p0', ['critical', 'blocker', 'high']],
  ['high important major p1', ['high', 'major']],
  ['medium normal moderate mid average p2', ['medium', 'M']],
  ['low lowest minor trivial optional nit info p3 p4', ['low', 'minor']],
  ['small tiny xs', ['S']],
  ['large big', ['L']],
  ['huge xxl extra-large', ['XL']],
  ['approve accept accepted pass passed lgtm', ['approved']],
  ['reject fail failed', ['rejected']],
];

/** The one of `words` that a model meant. Undefined if that is not certain. */
function matchWord(said: string, words: readonly string[]): string | undefined {
  const plain = said
    .trim()
    .toLowerCase()
    .replace(/[\s_]+/g, '-');
  const same = words.find((word) => word.toLowerCase() === plain);
  if (same !== undefined) return same;
  const meant = MEANINGS.find(([forms]) => forms.split(' ').includes(plain))?.[1] ?? [];
  return meant.find((word) => words.includes(word));
}
