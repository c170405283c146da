import fc from 'fast-check';
import { expect, test } from 'vitest';
import { completeGitignore, IGNORED_LINES } from '../../../src/app/init/templates.ts';
import { cases } from '../../rig/effort.ts';

const complete = (text: string) => completeGitignore(Buffer.from(text, 'latin1'))?.toString('latin1');

test('only missing lines are added, as the other lines end', () => {
  expect(complete('')).toBe(
    '# claude-orchestrator\n.env\n.taskmaster/tasks.db*\n.taskmaster/attempts/\n.taskmaster/logs/\n',
  );
  expect(complete('a\r\n/.env\r\n')).toBe(
    'a\r\n/.env\r\n\r\n# claude-orchestrator\r\n.taskmaster/tasks.db*\r\n.taskmaster/attempts/\r\n.taskmaster/logs/\r\n',
  );
  expect(complete('.taskmaster/tasks.db*\n.taskmaster/attempts\n*.log')).toBe(
    '.taskmaster/tasks.db*\n.taskmaster/attempts\n*.log\n\n# claude-orchestrator\n.env\n.taskmaster/logs/\n',
  );
});

test('every byte that was there stays, and the second time nothing is missing', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const completed = completeGitignore(Buffer.from(bytes));
      if (completed === undefined) return;
      expect(completed.subarray(0, bytes.length).equals(bytes)).toBe(true);
      expect(completeGitignore(completed)).toBeUndefined();
      for (const line of IGNORED_LINES) expect(completed.toString('latin1').split(/\r?\n/)).toContain(line);
    }),
    { numRuns: cases(3000) },
  );
});
