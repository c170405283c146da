import { expect, test } from 'vitest';
import { z } from 'zod';
import type { Event } from '../../../src/domain/event.ts';
import { recordCalls } from '../../../src/manager/record-calls.ts';
import type { IntendedCall } from '../../../src/store/store.ts';
import { COST, scriptedManager } from '../../rig/scripted-manager.ts';

test('every call is recorded with its cost, answered or not', async () => {
  const events: Event[] = [];
  const intended: IntendedCall[] = [];
  const { manager } = scriptedManager([{ a: 1 }, 'nonsense']);
  const own = recordCalls(manager, {
    intend: (call) => intended.push(call),
    record: (event) => events.push(event),
    runId: 'run-1',
    process: { pid: 1, startTime: 'then' },
    model: 'opus',
  });
  const question = { purpose: 'plan', system: '', prompt: '', schema: z.object({ a: z.number() }) };
  const { signal } = new AbortController();
  expect(await own.ask(question, signal)).toMatchObject({ ok: true, value: { value: { a: 1 } } });
  expect(await own.ask({ ...question, purpose: 'parse' }, signal)).toMatchObject({ ok: false });
  expect(events).toEqual(
    ['plan', 'parse'].map((purpose, index) => ({
      type: 'manager-called',
      purpose,
      runId: 'run-1',
      callId: index + 1,
      usage: [COST],
      durationMs: 5,
    })),
  );
  expect(intended.map(({ purpose }) => purpose)).toEqual(['plan', 'parse']);
  // It is at least the real cost of the reply.
  for (const { bound } of intended) expect(bound.costUsd).toBeGreaterThan(COST.costUsd);
  expect(own).toMatchObject({ description: 'scripted', maxPromptBytes: 10_000_000 });
});
