import { expect, test } from 'vitest';
import { z } from 'zod';
import type { Event } from '../../../src/event.ts';
import { booked } from '../../../src/manager/booked.ts';
import { COST, scriptedManager } from './scripted-manager.ts';

test('every call is recorded with its cost, answered or not', async () => {
  const events: Event[] = [];
  const { manager } = scriptedManager([{ a: 1 }, 'nonsense']);
  const own = booked(manager, (event) => events.push(event), 'run-1');
  const question = { purpose: 'plan', system: '', prompt: '', schema: z.object({ a: z.number() }) };
  const { signal } = new AbortController();
  expect(await own.ask(question, signal)).toMatchObject({ ok: true, value: { value: { a: 1 } } });
  expect(await own.ask({ ...question, purpose: 'parse' }, signal)).toMatchObject({ ok: false });
  expect(events).toEqual(
    ['plan', 'parse'].map((purpose) => ({
      type: 'manager-called',
      purpose,
      runId: 'run-1',
      usage: [COST],
      durationMs: 5,
    })),
  );
  expect(own).toMatchObject({ description: 'scripted', maxPromptBytes: 10_000_000 });
});
