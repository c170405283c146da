import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { keepReply } from '../../../src/app/planning/kept-reply.ts';
import type { Project } from '../../../src/app/project/project.ts';

const unanswered = {
  failure: { reason: 'plan-invalid', message: 'No.' },
  usage: [],
  durationMs: 0,
  invalid: { reply: '{"tasks": []}', problems: ['No.'] },
} as const;

const projectAt = (stateFolder: string): Project => ({ stateFolder }) as Project;

test('a reply that was paid for is kept for its user alone', () => {
  const folder = mkdtempSync(join(tmpdir(), 'kept-'));
  try {
    const said = keepReply(projectAt(join(folder, 'a', 'b')), ['parse', 'prd.md'], unanswered);
    const [, file = ''] = /mend it in (\S+),/.exec(said ?? '') ?? [];
    expect(readFileSync(file, 'utf8')).toBe('{"tasks": []}');
    expect(statSync(file).mode & 0o077).toBe(0);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('where no folder can be made it says nothing, and comes to an end', () => {
  expect(keepReply(projectAt('/proc/none'), ['parse'], unanswered)).toBeUndefined();
});
