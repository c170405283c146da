import { describe, expect, it } from 'vitest';
import { parseListStatuses, parseStatus } from '../../../src/app/tasks/statuses.ts';
import { Failed } from '../../../src/domain/failure.ts';
import { TASK_STATUSES } from '../../../src/domain/task.ts';

describe('parseStatus', () => {
  it.each(TASK_STATUSES)('takes %s in any case', (status) => {
    expect(parseStatus(` ${status.toUpperCase()} `)).toBe(status);
  });

  it.each([
    ['completed', 'done'],
    ['todo', 'pending'],
    ['in_progress', 'in-progress'],
    ['in progress', 'in-progress'],
    ['canceled', 'cancelled'],
    ['doen', 'done'],
    ['wip', 'in-progress'],
  ])('suggests for %j what is probably meant', (word, meant) => {
    expect(() => parseStatus(word)).toThrow(Failed);
    try {
      parseStatus(word);
    } catch (error) {
      expect(error instanceof Failed && error.failure.fix).toBe(`Did you mean "${meant}"?`);
    }
  });

  it('suggests nothing for a short word that is like none', () => {
    try {
      parseStatus('foo');
      expect.unreachable();
    } catch (error) {
      expect(error instanceof Failed && error.failure).toMatchObject({ reason: 'wrong-usage' });
      expect(error instanceof Failed && error.failure.fix).toBeUndefined();
    }
  });

  it('says why no task can be set to blocked, which can be listed all the same', () => {
    expect(() => parseStatus('blocked')).toThrow(/follows from its dependencies/);
    expect(parseListStatuses(['blocked,done', 'pending'])).toEqual(new Set(['blocked', 'done', 'pending']));
  });

  it.each(['__proto__', 'constructor', 'toString', ''])('knows no status %j', (word) => {
    expect(() => parseStatus(word)).toThrow(/is not a status: expected one of pending/);
  });
});
