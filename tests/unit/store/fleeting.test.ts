import { expect, test } from 'vitest';
import { isFleeting } from '../../../src/store/recorded-events.ts';

const about = { attemptId: 1, taskId: '1' };

test('what outlives a power failure waits for the disk: worktrees, and intents to land', () => {
  const prepared = { type: 'attempt-prepared', ...about, directory: '/w1', base: null } as const;
  expect(isFleeting({ ...prepared, branch: 'orchestrator/r/task-1' })).toBe(false);
  expect(isFleeting({ ...prepared, branch: null })).toBe(true);
  expect(isFleeting({ type: 'attempt-phase', ...about, phase: 'landing' })).toBe(false);
  expect(isFleeting({ type: 'attempt-phase', ...about, phase: 'verifying' })).toBe(true);
  expect(isFleeting({ type: 'attempt-spawned', ...about, process: { pid: 1, startTime: '' } })).toBe(true);
});
