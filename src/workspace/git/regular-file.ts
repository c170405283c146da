import { lstatSync, readFileSync } from 'node:fs';

/**
 * The text of a small file; empty where there is none that can be read. Whoever may write there may have put something in
 * its place that never ends.
 */
export function readRegular(file: string): string {
  try {
    return lstatSync(file).isFile() ? readFileSync(file, 'utf8') : '';
  } catch {
    return '';
  }
}
