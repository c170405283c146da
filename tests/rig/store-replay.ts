import { expect } from 'vitest';
import type { TaskStore } from '../../src/store/store.ts';
import { PHASES } from '../../src/domain/attempt.ts';
import type { TaskStatus } from '../../src/domain/task.ts';

/**
 * Checks that the state of a store is exactly what its events tell: each change has its one event, which begins at
 * the state that the one before it left.
 */
export function expectReplayable(store: TaskStore): void {
  const statuses = new Map<string, TaskStatus>();
  const open = new Set<number>();
  let ended = 0;
  for (const event of store.events()) {
    switch (event.type) {
      case 'tasks-added':
        for (const id of event.taskIds) {
          expect(statuses.has(id), `${id} is added once`).toBe(false);
          statuses.set(id, 'pending');
        }
        break;
      case 'tasks-deleted':
        for (const id of event.taskIds) expect(statuses.delete(id), `${id} was there`).toBe(true);
        break;
      case 'status-changed':
        expect(statuses.get(event.taskId), `${event.taskId} before ${event.at}`).toBe(event.from);
        expect(event.to).not.toBe(event.from);
        statuses.set(event.taskId, event.to);
        break;
      case 'attempt-started':
        open.add(event.attemptId);
        break;
      case 'attempt-ended':
        expect(open.delete(event.attemptId), `attempt ${event.attemptId} was open`).toBe(true);
        ended++;
        break;
      default:
    }
  }
  const tasks = store.tasks();
  expect(new Map(tasks.map(({ id, status }) => [id, status]))).toEqual(statuses);
  const attempts = store.attempts();
  expect(attempts.filter(({ end }) => end === null).map(({ id }) => id)).toEqual([...open]);
  expect(attempts.filter(({ end }) => end !== null)).toHaveLength(ended);
  expect(attempts.every(({ phase }) => PHASES.includes(phase))).toBe(true);
}
