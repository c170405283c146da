import { InvalidArgumentError, type Argument, type Option } from 'commander';
import { fail } from '../domain/failure.ts';
import { nearest } from '../domain/text/nearest.ts';

/** Reads the whole number of an option, or says which numbers it takes. */
export function wholeNumber(option: string, text: string, least: number, most: number): number {
  const value = /^\d{1,9}$/.test(text.trim()) ? Number(text) : NaN;
  if (value >= least && value <= most) return value;
  throw new InvalidArgumentError(`${option} takes a whole number from ${least} to ${most}.`);
}

/** Reads the amount of US dollars of an option, which must be positive. */
export function dollars(option: string, text: string): number {
  const value = /^\$?\d{1,9}(\.\d{1,6})?$/.test(text.trim()) ? Number(text.trim().replace('$', '')) : NaN;
  if (value > 0) return value;
  throw new InvalidArgumentError(`${option} takes an amount of US dollars above 0, such as 5 or 0.50.`);
}

/** Shows in help and completion which words a value may be. Whoever reads the value checks it. */
export function withWords<T extends Argument | Option>(value: T, words: readonly string[]): T {
  value.choices(words);
  value.argParser(String);
  return value;
}

/** Reads an argument that must be one of a few words, or says which words there are. */
export function oneOf<T extends string>(word: string, words: readonly T[]): T {
  const found = words.find((known) => known === word);
  if (found !== undefined) return found;
  const meant = nearest(word, words);
  return fail(
    'wrong-usage',
    `${JSON.stringify(word)}: expected ${words.slice(0, -1).join(', ')} or ${words.at(-1) ?? ''}.`,
    meant === undefined ? undefined : `Did you mean "${meant}"?`,
  );
}
