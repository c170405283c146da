import type { z } from 'zod';
import { nearest } from '../../domain/text/nearest.ts';
import { shapeOf } from './fields.ts';
import { configJsonSchema, configKeys, schemaAt } from './schema.ts';
import { isWebhook, looksSecret } from './secrets.ts';

/** One thing that is wrong with the configuration. */
export interface ConfigProblem {
  /** The dotted path of the key; empty where it is about a whole file. */
  readonly path: string;
  /** Where the value was given: a file, or an environment variable. */
  readonly source: string;
  /** What was expected and what was got. */
  readonly message: string;
  readonly fix?: string;
}

/** `source: path: message`, and the fix behind it. */
export function formatProblem({ path, source, message, fix }: ConfigProblem): string {
  const place = [source, path].filter((part) => part !== '').join(': ');
  return `${place}: ${message}${fix === undefined ? '' : ` — ${fix}`}`;
}

/** The problem of an unknown key, with the key that was most likely meant. */
export function unknownKey(path: readonly string[], source: string): ConfigProblem {
  const parent = path.slice(0, -1);
  const name = path.at(-1) ?? '';
  const parentSchema = schemaAt(parent);
  const siblings = Object.keys((parentSchema && shapeOf(parentSchema)) ?? {});
  const prefix = parent.map((key) => `${key}.`).join('');
  const sibling = nearest(name, siblings);
  const elsewhere = nearest(
    name,
    configKeys().map((key) => key.slice(key.lastIndexOf('.') + 1)),
  );
  const meant =
    sibling === undefined
      ? configKeys().find((key) => key.slice(key.lastIndexOf('.') + 1) === elsewhere)
      : `${prefix}${sibling}`;
  return {
    path: shorten(path.join('.'), 120),
    source,
    message: 'there is no such key',
    fix: meant === undefined ? `known here: ${siblings.join(', ')}` : `did you mean ${meant}?`,
  };
}

/** Describes what zod found wrong with `tree`; `sourceOf` says where the value at a path was given. */
export function problemsOf(
  error: z.ZodError,
  tree: unknown,
  sourceOf: (path: string) => string,
): ConfigProblem[] {
  const json = configJsonSchema();
  const seen = new Set<string>();
  const problems: ConfigProblem[] = [];
  for (const issue of error.issues) {
    const keys = issue.path.map(String);
    const path = keys.join('.');
    if (seen.has(path)) continue;
    seen.add(path);
    const got = valueAt(tree, keys);
    const schema = jsonSchemaAt(json, keys);
    const expected = issue.code === 'invalid_key' ? 'a valid name' : describeExpected(schema);
    const meant =
      typeof got === 'string' && Array.isArray(schema?.enum)
        ? nearest(got, schema.enum.map(String))
        : undefined;
    problems.push({
      path: shorten(path, 120),
      source: sourceOf(path),
      message:
        issue.code === 'invalid_key'
          ? `expected ${expected}, got ${describeValue(keys.at(-1))}`
          : `expected ${expected}, got ${isWebhook(path) ? describeType(got) : describeValue(got)}`,
      ...(meant === undefined ? {} : { fix: `did you mean ${JSON.stringify(meant)}?` }),
    });
  }
  return problems;
}

/** The kind of a value, where not even a part of it may be shown. */
function describeType(value: unknown): string {
  return typeof value === 'string' ? 'another text' : describeValue(value);
}

/** A value in a form that may be shown: short, with its type, and never a secret. */
function describeValue(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : `a list of ${value.length}`;
  if (typeof value === 'object') return 'an object';
  if (typeof value === 'string' && looksSecret(value)) return 'a text that looks like a secret';
  return `${shorten(JSON.stringify(value), 60)} (${typeof value === 'string' ? 'text' : typeof value})`;
}

type JsonSchema = z.core.JSONSchema.BaseSchema;

function describeExpected(schema: JsonSchema | undefined): string {
  if (schema === undefined) return 'another value';
  if (schema.anyOf !== undefined)
    return alternatives([...new Set(schema.anyOf.map((option) => describeExpected(option)))]);
  if (schema.enum !== undefined) return alternatives(schema.enum.map((value) => JSON.stringify(value)));
  switch (schema.type) {
    case 'boolean':
      return 'true or false';
    case 'null':
      return 'null';
    case 'integer':
      return `a whole number${range(schema)}`;
    case 'number':
      return `a number${range(schema)}`;
    case 'array':
      return `a list, each ${describeExpected(typeof schema.items === 'object' ? (schema.items as JsonSchema) : undefined)}`;
    case 'object':
      return 'an object';
    default:
      if (schema.format === 'uri') return 'an http or https address';
      if (schema.pattern === '^\\S+$') return 'a text without spaces';
      return (schema.minLength ?? 0) > 0 ? 'a text that is not empty' : 'a text';
  }
}

function range({ minimum, maximum, exclusiveMinimum }: JsonSchema): string {
  const least = exclusiveMinimum === undefined ? minimum : `more than ${exclusiveMinimum}`;
  if (least === undefined) return '';
  if (exclusiveMinimum !== undefined)
    return `, ${least}${maximum === undefined ? '' : ` and at most ${maximum}`}`;
  return maximum === undefined ? ` from ${least}` : ` from ${least} to ${maximum}`;
}

function alternatives(texts: readonly string[]): string {
  return texts.length < 2 ? texts.join('') : `${texts.slice(0, -1).join(', ')} or ${texts.at(-1) ?? ''}`;
}

function jsonSchemaAt(schema: JsonSchema, path: readonly string[]): JsonSchema | undefined {
  let at: JsonSchema | undefined = schema;
  for (const key of path) {
    const { properties, items, additionalProperties }: JsonSchema = at;
    const next =
      properties !== undefined && Object.hasOwn(properties, key)
        ? properties[key]
        : (items ?? additionalProperties);
    if (typeof next !== 'object') return undefined;
    at = next as JsonSchema;
  }
  return at;
}

function valueAt(tree: unknown, path: readonly string[]): unknown {
  let at = tree;
  for (const key of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) return undefined;
    at = (at as Record<string, unknown>)[key];
  }
  return at;
}

function shorten(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}
