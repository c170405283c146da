import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { displayWidth } from '../../../src/domain/text/display-text.ts';
import { run } from '../../rig/hand-made-cli.ts';

let directory: string;
beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'n-'))));
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** Only a word that is longer than the terminal may be longer. */
function broken(text: string, columns: number): string[] {
  return text
    .split('\n')
    .filter((line) => displayWidth(line) > columns && /\S\s+\S/.test(line.replace(/`[^`]*`/g, 'x')));
}

test.each([40, 80])('init and check break their lines between words at %d columns', async (columns) => {
  const terminal = { isTTY: true, columns, env: { HOME: '/', PATH: '', FORCE_COLOR: '0' } };
  const init = await run({ directory }, ['init', '--yes'], terminal);
  expect(existsSync(join(directory, '.taskmaster'))).toBe(true);
  expect(broken(init.stdout, columns)).toEqual([]);
  expect(broken(init.stderr, columns)).toEqual([]);
  expect(init.stderr).toContain('note: ');
  const check = await run({ directory }, ['check'], terminal);
  expect(check.stdout).toContain('claude');
  expect(broken(check.stdout, columns)).toEqual([]);
});
