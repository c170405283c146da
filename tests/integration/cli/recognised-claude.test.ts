import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { isRecognised, rememberRecognised } from '../../../src/app/claude/claude-cli.ts';

let root: string;
beforeEach(() => (root = mkdtempSync(join(tmpdir(), 'recognised-'))));
afterEach(() => rmSync(root, { recursive: true, force: true }));

const machine = () => ({ env: { HOME: root }, platform: 'linux' as const });

function program(text: string): string {
  const file = join(root, 'claude');
  writeFileSync(file, text, { mode: 0o755 });
  return file;
}

test('a program is known from run to run, until it is another one', () => {
  const claude = program('one');
  expect(isRecognised(machine(), claude)).toBe(false);
  rememberRecognised(machine(), claude);
  expect(isRecognised(machine(), claude)).toBe(true);
  expect(isRecognised(machine(), '/bin/true')).toBe(false);
  program('another');
  expect(isRecognised(machine(), claude)).toBe(false);
});

test('where nothing can be kept, nothing is known, and nothing fails', () => {
  const claude = program('one');
  const nowhere = { env: { HOME: root, XDG_CACHE_HOME: '/proc/none' }, platform: 'linux' as const };
  rememberRecognised(nowhere, claude);
  expect(isRecognised(nowhere, claude)).toBe(false);
});
