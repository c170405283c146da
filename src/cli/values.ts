import { InvalidArgumentError } from 'commander';

/** Reads an option's whole number, or says which ones it takes. */
export function wholeNumber(option: string, text: string, least: number, most: number): number {
  const value = /^\d{1,9}$/.test(text.trim()) ? Number(text) : NaN;
  if (value >= least && value <= most) return value;
  throw new InvalidArgumentError(`${option} takes a whole number from ${least} to ${most}.`);
}

/** Reads an option's positive amount of US dollars. */
export function dollars(option: string, text: string): number {
  const value = /^\$?\d{1,9}(\.\d{1,6})?$/.test(text.trim()) ? Number(text.trim().replace('$', '')) : NaN;
  if (value > 0) return value;
  throw new InvalidArgumentError(`${option} takes an amount of US dollars above 0, such as 5 or 0.50.`);
}
