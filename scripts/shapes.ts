import { z } from 'zod';

type Fields = Readonly<Record<string, z.ZodType>>;

/** How a type is told. */
interface TypeText {
  /** What is said of it beside it. */
  readonly meaning: string;
  /** It is told of several. */
  readonly many?: boolean;
  readonly inside?: boolean;
}

/** Describes schemas, with links to those that have a name. */
export class Shapes {
  /** By name; values that one word says are told of at the start of the page. */
  readonly named: readonly (readonly [string, z.ZodType])[];
  /** Those that are objects, the largest first. */
  readonly #objects: readonly (readonly [string, z.ZodObject])[];

  constructor(roots: readonly z.ZodType[]) {
    const named = new Map<string, z.ZodType>();
    roots.forEach((root) => collect(root, named, new Set()));
    this.named = [...named].sort(([a], [b]) => a.localeCompare(b));
    this.#objects = this.named
      .flatMap(([name, schema]) => (schema instanceof z.ZodObject ? [[name, schema] as const] : []))
      .sort(([, a], [, b]) => Object.keys(b.shape).length - Object.keys(a.shape).length);
  }

  /** What a command prints; a shape that has a name has a section of its own. */
  command(heading: string, schema: z.ZodType): string {
    if (ownName(schema) === undefined) return this.section(heading, schema);
    return `${heading}\n\n${linkTo(schema)}: ${schema.description ?? ''}.\n`;
  }

  section(heading: string, schema: z.ZodType): string {
    const { description, examples } = schema.meta() ?? {};
    return (
      [
        heading,
        ...(description === undefined ? [] : [sentence(description)]),
        ...[this.describe(schema).trimEnd()].filter((body) => body !== ''),
        ...(Array.isArray(examples) ? [`\`\`\`json\n${JSON.stringify(examples[0], null, 2)}\n\`\`\``] : []),
        '',
      ]
        .join('\n\n')
        .trimEnd() + '\n'
    );
  }

  /** What a shape looks like, below its heading. */
  describe(schema: z.ZodType): string {
    if (schema instanceof z.ZodDiscriminatedUnion) return this.#byType(schema);
    if (schema instanceof z.ZodUnion)
      return optionsOf(schema)
        .map((option) => (nameOf(option) === undefined ? this.describe(option) : `${linkTo(option)}\n`))
        .join('\nor\n\n');
    if (schema instanceof z.ZodObject) return this.#table(schema);
    if (schema instanceof z.ZodEnum) {
      const { meanings } = schema.meta() ?? {};
      if (!isTexts(meanings)) return `One of ${valuesOf(schema)}.\n`;
      return schema.options.map((value) => `- \`${value}\`: ${meanings[value] ?? ''}\n`).join('');
    }
    return '';
  }

  #table(object: z.ZodObject): string {
    const { whole, rest } = this.#split(object);
    const rows = this.#rows(rest, '');
    const all = `All fields of ${whole.join(' and ')}`;
    if (rows.length === 0) return `${all}.\n`;
    const start = whole.length === 0 ? '' : `${all}, and\n\n`;
    return `${start}| field | type | meaning |\n| --- | --- | --- |\n${rows.join('\n')}\n`;
  }

  /** One line a field; the fields of an object that has no name follow it. */
  #rows(fields: Fields, path: string): string[] {
    return Object.entries(fields).flatMap(([name, field]) => {
      const { object, lists } = innermost(field);
      const meaning = meaningOf(field);
      const type = `${this.#type(field, { meaning })}${isOptional(field) ? ', optional' : ''}`;
      return [
        `| \`${path}${name}\` | ${cell(type)} | ${cell(meaning)} |`,
        ...(object === undefined
          ? []
          : this.#rows(this.#split(object).rest, `${path}${name}${'[]'.repeat(lists)}.`)),
      ];
    });
  }

  /** A table of what there is by `type`. */
  #byType(union: z.ZodDiscriminatedUnion): string {
    const options = flatten(union);
    const links = options.filter((option) => nameOf(option) !== undefined).map(linkTo);
    const objects = options.flatMap((option) =>
      option instanceof z.ZodObject && nameOf(option) === undefined ? [option] : [],
    );
    const [first = {}, ...others] = objects.map(shapeOf);
    const isCommon = (key: string): boolean => others.every((each) => each[key] === first[key]);
    const common = links.length > 0 ? [] : Object.keys(first).filter(isCommon);
    const has = common.map((key) => ` and ${this.#inText(key, first[key] ?? z.unknown())}`).join('');
    const start =
      links.length > 0
        ? `Each is an ${links.join(' or ')}, or has one of these types:`
        : `Each has \`type\`${has}, and by its type:`;
    const rows = objects.map((option) => {
      const { whole, rest } = this.#split(option);
      const { type, ...fields } = rest;
      const told = Object.entries(fields)
        .filter(([key]) => !common.includes(key))
        .map(([key, field]) => this.#inText(key, field));
      const columns = [valuesOf(type ?? z.never()), meaningOf(option), [...whole, ...told].join('; ')];
      return `| ${columns.map(cell).join(' | ')} |`;
    });
    return `${start}\n\n| type | is | fields |\n| --- | --- | --- |\n${rows.join('\n')}\n`;
  }

  /** A field in a sentence, with its type where its name does not say it. */
  #inText(name: string, field: z.ZodType): string {
    const meaning = meaningOf(field);
    const type = this.#type(field, { meaning, inside: true });
    const isPlain = innermost(field).plain === true;
    const about = [isPlain ? '' : type, meaning].filter((text) => text !== '').join(', ');
    const orNull = isPlain && type.endsWith(' or null') ? ' or null' : '';
    return `\`${name}\`${orNull}${isOptional(field) ? ' (optional)' : ''}${about === '' ? '' : `: ${about}`}`;
  }

  /** What a value may be; an object that has no name is told with what is inside where no rows do that. */
  #type(schema: z.ZodType, how: TypeText): string {
    const { many = false, meaning, inside = false } = how;
    const word = (one: string): string => (many ? `${one}s` : one);
    const title = titleOf(schema);
    if (title !== undefined) return many && !title.endsWith('s') ? `${title}s` : title;
    if (nameOf(schema) !== undefined) return linkTo(schema);
    const inner = unwrapOnce(schema);
    if (inner !== undefined)
      return `${this.#type(inner, how)}${schema instanceof z.ZodNullable ? ' or null' : ''}`;
    if (schema instanceof z.ZodArray)
      return `${word('list')} of ${this.#type(classic(schema.element), { ...how, many: true })}`;
    if (schema instanceof z.ZodEnum && saysAll(meaning, schema)) return word('string');
    if (schema instanceof z.ZodEnum || schema instanceof z.ZodLiteral) return valuesOf(schema);
    if (schema instanceof z.ZodUnion)
      return optionsOf(schema)
        .map((option) => this.#type(option, { many, meaning: meaningOf(option), inside: true }))
        .join(' or ');
    if (schema instanceof z.ZodObject) {
      const { whole, rest } = this.#split(schema);
      const fields = Object.entries(rest);
      if (inside) return `{ ${[...whole, ...fields.map((field) => this.#inText(...field))].join(', ')} }`;
      if (whole.length === 0) return word('object');
      return `${whole.join(' and ')}${fields.length === 0 ? '' : ' and more'}`;
    }
    if (schema instanceof z.ZodRecord) return word('object');
    if (schema instanceof z.ZodNumberFormat) return word('integer');
    if (schema instanceof z.ZodUnknown) return 'anything';
    if (schema instanceof z.ZodString || schema instanceof z.ZodNumber || schema instanceof z.ZodBoolean)
      return word(schema.type);
    throw new Error(`Say in #type what a ${schema.type} is.`);
  }

  /** The named shapes that an object has all fields of, as links, and its other fields. */
  #split(object: z.ZodObject): { whole: readonly string[]; rest: Fields } {
    let rest = shapeOf(object);
    const whole: string[] = [];
    for (const [name, named] of this.#objects) {
      const fields = Object.entries(shapeOf(named));
      if (name === nameOf(object) || !fields.every(([key, field]) => rest[key] === field)) continue;
      whole.push(linkTo(named));
      rest = Object.fromEntries(Object.entries(rest).filter(([key]) => !(key in named.shape)));
    }
    return { whole, rest };
  }
}

/** Finds what has a name and is no single word. */
function collect(schema: z.ZodType, named: Map<string, z.ZodType>, seen: Set<z.ZodType>): void {
  if (seen.has(schema)) return;
  seen.add(schema);
  const name = ownName(schema);
  if (name !== undefined && titleOf(schema) === undefined) named.set(name, schema);
  for (const inner of innerOf(schema)) collect(inner, named, seen);
}

function innerOf(schema: z.ZodType): readonly z.ZodType[] {
  const inner = describedOf(schema) ?? unwrapOnce(schema);
  if (inner !== undefined) return [inner];
  if (schema instanceof z.ZodArray) return [classic(schema.element)];
  if (schema instanceof z.ZodUnion) return optionsOf(schema);
  return schema instanceof z.ZodObject ? Object.values(shapeOf(schema)) : [];
}

function ownName(schema: z.ZodType): string | undefined {
  return z.globalRegistry.get(schema)?.id;
}

/** The schema that this one is, but for what is said of it. */
function describedOf(schema: z.ZodType): z.ZodType | undefined {
  const { parent } = schema._zod;
  return parent === undefined || ownName(schema) !== undefined ? undefined : classic(parent);
}

function nameOf(schema: z.ZodType): string | undefined {
  const described = describedOf(schema);
  return ownName(schema) ?? (described === undefined ? undefined : nameOf(described));
}

function titleOf(schema: z.ZodType): string | undefined {
  return z.globalRegistry.get(schema)?.title;
}

function linkTo(schema: z.ZodType): string {
  const name = nameOf(schema) ?? '';
  return `[${name}](#${name.toLowerCase()})`;
}

/** What is said of a field; what is said of every value of its shape is said there. */
function meaningOf(schema: z.ZodType): string {
  if (ownName(schema) !== undefined) return '';
  const inner = unwrapOnce(schema);
  return schema.description ?? (inner === undefined ? '' : meaningOf(inner));
}

function isOptional(schema: z.ZodType): boolean {
  return schema instanceof z.ZodOptional || schema instanceof z.ZodExactOptional;
}

/** What a field holds, alone or in lists: an object without a name, or something plain. */
function innermost(schema: z.ZodType): { object?: z.ZodObject; plain?: true; lists: number } {
  if (titleOf(schema) !== undefined) return { plain: true, lists: 0 };
  if (nameOf(schema) !== undefined) return { lists: 0 };
  if (schema instanceof z.ZodObject) return { object: schema, lists: 0 };
  if (schema instanceof z.ZodArray) {
    const { lists, ...rest } = innermost(classic(schema.element));
    return { ...rest, lists: lists + 1 };
  }
  const inner = unwrapOnce(schema);
  if (inner !== undefined) return innermost(inner);
  const isPlain =
    schema instanceof z.ZodString || schema instanceof z.ZodNumber || schema instanceof z.ZodBoolean;
  return isPlain ? { plain: true, lists: 0 } : { lists: 0 };
}

function unwrapOnce(schema: z.ZodType): z.ZodType | undefined {
  return schema instanceof z.ZodReadonly || schema instanceof z.ZodNullable || isWrapped(schema)
    ? classic(schema.unwrap())
    : undefined;
}

function isWrapped(schema: z.ZodType): schema is z.ZodOptional | z.ZodExactOptional {
  return isOptional(schema);
}

function optionsOf(union: z.ZodUnion | z.ZodDiscriminatedUnion): z.ZodType[] {
  return union.options.map(classic);
}

/** The options of a union, and those of unions in it that have no name. */
function flatten(union: z.ZodDiscriminatedUnion): z.ZodType[] {
  return optionsOf(union).flatMap((option) =>
    option instanceof z.ZodDiscriminatedUnion && nameOf(option) === undefined ? flatten(option) : [option],
  );
}

function shapeOf(object: z.ZodObject): Fields {
  const fields = Object.entries<z.core.$ZodType>(object.shape);
  return Object.fromEntries(fields.map(([key, field]) => [key, classic(field)]));
}

function classic(schema: z.core.$ZodType): z.ZodType {
  if (schema instanceof z.ZodType) return schema;
  throw new Error('A contract has a schema of another zod.');
}

/** What each value of an enumeration means, where its schema says so. */
function isTexts(meanings: unknown): meanings is Readonly<Record<string, string>> {
  return typeof meanings === 'object' && meanings !== null;
}

/** Whether a text tells of each value in turn. */
function saysAll(text: string, { options }: z.ZodEnum): boolean {
  return options.every((value) => text.includes(`\`${value}\``));
}

function valuesOf(schema: z.ZodType): string {
  const values =
    schema instanceof z.ZodEnum ? schema.options : schema instanceof z.ZodLiteral ? [...schema.values] : [];
  return values.map((value) => `\`${String(value)}\``).join(', ');
}

function sentence(text: string): string {
  const start = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.:]$/.test(start) ? start : `${start}.`;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}
