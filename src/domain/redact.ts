import { secretForms } from './secret-forms.ts';
import { hide, SECRET_SHAPES } from './secret-shapes.ts';

/** Takes secrets out of a text. */
export type Redact = (text: string) => string;

/** Shorter ones would be found in half of all words. */
const SHORTEST_SECRET = 8;

/**
 * A function that replaces the given secrets (those of at least eight characters, however they are encoded) and
 * everything that has the shape of one with `…`, or `…abcd` where the last four characters tell which it was. Of an
 * address with a path only what follows the host is a secret.
 *
 * Applied again, it changes nothing; no text gets longer; JSON stays JSON; the time is proportional to the length.
 */
export function createRedactor(secrets: readonly string[]): Redact {
  const known = knownSecrets(secrets);
  const settle = (text: string): string => {
    // What is left around a secret may be another one together. Each round makes the text shorter.
    for (let before = text; ;) {
      const after = once(before, known);
      if (after === before) return after;
      before = after;
    }
  };
  return (text) => {
    if (text.length < SHORTEST_SECRET) return text;
    const redacted = settle(text);
    if (redacted === text || !isJson(text) || isJson(redacted)) return redacted;
    // A secret that looks like a part of JSON itself: only where it is a value it can be one.
    return JSON.stringify(redactValue(JSON.parse(text) as unknown, settle));
  };
}

/**
 * The same for every text in a value that JSON can express; keys stay. What holds no secret is returned itself, and
 * what lies deeper than anything of ours is left out.
 */
export function redactValue<T>(value: T, redact: Redact): T {
  return redactInner(value, redact, 0) as T;
}

const DEEPEST = 200;

function redactInner(value: unknown, redact: Redact, depth: number): unknown {
  if (typeof value === 'string') return redact(value);
  if (typeof value !== 'object' || value === null) return value;
  if (depth === DEEPEST) return '…';
  if (Array.isArray(value)) {
    const items = value.map((item) => redactInner(item, redact, depth + 1));
    return items.every((item, index) => item === value[index]) ? value : items;
  }
  const entries = Object.entries(value) as [string, unknown][];
  const redacted = entries.map(([, item]) => redactInner(item, redact, depth + 1));
  if (redacted.every((item, index) => item === entries[index]?.[1])) return value;
  return Object.fromEntries(entries.map(([key], index) => [key, redacted[index]]));
}

interface KnownSecrets {
  readonly pattern: RegExp;
  /** What stands in place of each, by the number of its group. */
  readonly marks: readonly string[];
}

function knownSecrets(secrets: readonly string[]): KnownSecrets | undefined {
  const distinct = [...new Set(secrets.map(secretPart))]
    .filter((secret) => secret.length >= SHORTEST_SECRET)
    // The longest first: one may be the beginning of another.
    .sort((a, b) => b.length - a.length);
  if (distinct.length === 0) return undefined;
  return {
    pattern: new RegExp(distinct.map((secret) => `(${secretForms(secret)})`).join('|'), 'g'),
    marks: distinct.map(hide),
  };
}

/** Whose address it is may be seen; who knows the rest of it may use it. */
function secretPart(secret: string): string {
  const trimmed = secret.trim();
  const path = /^https?:\/\/[^/?#]+(?<path>[/?#].*)$/i.exec(trimmed)?.groups?.['path'] ?? '';
  return path.length > SHORTEST_SECRET ? path.slice(1) : trimmed;
}

function once(text: string, known: KnownSecrets | undefined): string {
  const { pattern, marks } = known ?? { pattern: undefined, marks: [] };
  let result = text;
  if (pattern !== undefined)
    result = result.replace(pattern, (_match, ...groups: unknown[]) => {
      return marks[groups.findIndex((group) => group !== undefined)] ?? '…';
    });
  for (const { pattern: shape, replacement } of SECRET_SHAPES) result = result.replace(shape, replacement);
  return result;
}

function isJson(text: string): boolean {
  if (!/^\s*[[{"]/.test(text)) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
