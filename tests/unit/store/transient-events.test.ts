import { expect, test } from 'vitest';
import { isTransient } from '../../../src/store/recorded-events.ts';

const about = { attemptId: 1, taskId: '1' };

test('what outlives a power failure waits for the disk: worktrees, and intents to land', () => {
  const prepared = { type: 'attempt-prepared', ...about, directory: '/w1', base: null } as const;
  expect(isTransient({ ...prepared, branch: 'orchestrator/r/task-1' })).toBe(false);
  expect(isTransient({ ...prepared, branch: null })).toBe(true);
  expect(isTransient({ type: 'attempt-phase', ...about, phase: 'landing' })).toBe(false);
  expect(isTransient({ type: 'attempt-phase', ...about, phase: 'verifying' })).toBe(true);
  expect(isTransient({ type: 'attempt-spawned', ...about, process: { pid: 1, startTime: '' } })).toBe(true);
});
