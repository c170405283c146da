import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { NoticeQueue } from '../../../../src/reporting/notify/notice-queue.ts';
import { notice } from '../../../rig/notices.ts';
import { cases } from '../../../rig/effort.ts';

const ids = (notices: readonly { id: number }[]): number[] => notices.map(({ id }) => id);

describe('when a queue is due', () => {
  test('the first waits five seconds for company', () => {
    const queue = new NoticeQueue();
    expect(queue.dueAt).toBeUndefined();
    queue.add(notice(1), 1000);
    expect(queue.dueAt).toBe(6000);
  });

  test('each that comes makes it wait again, thirty seconds at most', () => {
    const queue = new NoticeQueue();
    for (let second = 0; second < 29; second += 4) queue.add(notice(second), second * 1000);
    expect(queue.dueAt).toBe(30_000);
    queue.take();
    queue.add(notice(99), 40_000);
    expect(queue.dueAt).toBe(45_000);
  });

  test('an urgent one takes those along that wait, at once, whatever comes after', () => {
    const queue = new NoticeQueue();
    queue.add(notice(1), 0);
    queue.add(notice(2, { urgent: true }), 3000);
    queue.add(notice(3), 3500);
    expect(queue.dueAt).toBeLessThanOrEqual(3000);
    expect(ids(queue.take().notices)).toEqual([1, 2, 3]);
    expect(queue.dueAt).toBeUndefined();
  });
});

test('of too many the oldest are given up and counted, urgent ones last', () => {
  const queue = new NoticeQueue(3);
  queue.add(notice(1, { urgent: true }), 0);
  for (let id = 2; id <= 6; id++) queue.add(notice(id), 0);
  expect(queue.undelivered).toBe(6);
  const { notices, dropped } = queue.take();
  expect(ids(notices)).toEqual([1, 5, 6]);
  expect(dropped).toBe(3);
});

test('whatever comes, is taken, put back or given up: each is told once, in order, or counted', () => {
  const steps = fc.array(
    fc.oneof(
      { weight: 5, arbitrary: fc.record({ do: fc.constant('add' as const), urgent: fc.boolean() }) },
      {
        weight: 2,
        arbitrary: fc.record({ do: fc.constant('send' as const), room: fc.integer({ min: 1, max: 9 }) }),
      },
      {
        weight: 1,
        arbitrary: fc.record({ do: fc.constant('fail' as const), room: fc.integer({ min: 1, max: 9 }) }),
      },
      {
        weight: 1,
        arbitrary: fc.record({ do: fc.constant('refuse' as const), room: fc.integer({ min: 1, max: 9 }) }),
      },
    ),
    { maxLength: 200 },
  );
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 20 }), (run, most) => {
      const queue = new NoticeQueue(most);
      const told: number[] = [];
      let added = 0;
      let counted = 0;
      for (const [now, step] of run.entries()) {
        if (step.do === 'add') {
          queue.add(notice(++added, { urgent: step.urgent }), now);
          continue;
        }
        if (queue.dueAt === undefined) continue;
        const { notices, dropped } = queue.take();
        const [first, rest] = [notices.slice(0, step.room), notices.slice(step.room)];
        expect(notices.length).toBeLessThanOrEqual(most);
        queue.putBack(rest, 0, now);
        if (step.do === 'send') {
          told.push(...ids(first));
          counted += dropped;
        } else if (step.do === 'fail') queue.putBack(first, dropped, now);
        else queue.drop(first.length + dropped);
      }
      expect(told).toEqual([...new Set(told)].sort((a, b) => a - b));
      expect(told.length + counted + queue.undelivered).toBe(added);
    }),
    { numRuns: cases(2000) },
  );
});

test('nothing waits longer than thirty seconds, whenever it comes', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 20_000 }), { minLength: 1, maxLength: 60 }), (gaps) => {
      const queue = new NoticeQueue();
      let now = 0;
      let firstAt: number | undefined;
      const takeAt = (time: number): void => {
        expect(time - (firstAt ?? time)).toBeLessThanOrEqual(30_000);
        expect(queue.take().notices.length).toBeGreaterThan(0);
        firstAt = undefined;
      };
      for (const [id, gap] of gaps.entries()) {
        now += gap;
        while (queue.dueAt !== undefined && queue.dueAt <= now) takeAt(queue.dueAt);
        firstAt ??= now;
        queue.add(notice(id), now);
      }
      takeAt(queue.dueAt ?? Infinity);
    }),
    { numRuns: cases(2000) },
  );
});
