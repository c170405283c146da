import { InvalidArgumentError } from 'commander';

/** Reads an option's whole number, or says which ones it takes. */
export function wholeNumber(option: string, text: string, least: number, most: number): number {
  const value = /^\d{1,9}$/.test(text.trim()) ? Number(text) : NaN;
  if (value >= least && value <= most) return value;
  throw new InvalidArgumentError(`${option} takes a whole number from ${least} to ${most}.`);
}
