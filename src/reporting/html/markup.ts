import { neutralise } from '../../domain/text/display-text.ts';

/** A piece of HTML in which everything that is not part of our own templates is text. Only `html` makes it. */
export interface Markup {
  readonly parts: TemplateStringsArray;
  readonly values: readonly MarkupValue[];
}

/** What may stand in a template: text, which is escaped, or more markup. */
export type MarkupValue = string | number | Markup | readonly Markup[];

/**
 * A template of HTML. A text in it stays a text, both in an element's content and between an attribute's double
 * quotes.
 */
export function html(parts: TemplateStringsArray, ...values: readonly MarkupValue[]): Markup {
  return { parts, values };
}

/** Nothing at all. */
export const NOTHING: Markup = html``;

/** The markup as text, ready to be written. */
export function renderMarkup(markup: Markup): string {
  const pieces: string[] = [];
  append(markup, pieces);
  return pieces.join('');
}

function append({ parts, values }: Markup, pieces: string[]): void {
  for (const [index, part] of parts.entries()) {
    pieces.push(part.replace(INDENTATION, '\n'));
    const value = values[index];
    if (value === undefined) continue;
    if (typeof value === 'number') pieces.push(String(value));
    else if (typeof value === 'string') pieces.push(escape(value));
    else if ('parts' in value) append(value, pieces);
    else for (const each of value) append(each, pieces);
  }
}

/** The layout of our templates does not matter: none has a line break where it would be visible. */
const INDENTATION = /\s*\n\s*/g;

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&#34;',
  "'": '&#39;',
  '`': '&#96;',
};

/**
 * Escapes a text for both places. Line breaks and indentation stay; what would reorder or hide other text is removed.
 */
function escape(text: string): string {
  return text
    .split('\n')
    .map(clean)
    .join('\n')
    .replace(/[&<>"'`]/g, (character) => ENTITIES[character] ?? '');
}

/** A line without anything that would reorder or hide other text, with the blanks at its ends. */
function clean(line: string): string {
  const [start = ''] = /^[ \t]*/.exec(line) ?? [];
  const isOpen = line.length > start.length && /[ \t]$/.test(line);
  return `${start}${neutralise(line)}${isOpen ? ' ' : ''}`;
}
