import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { joinParts, readReply } from '../../../../src/manager/reply/read-reply.ts';
import {
  parseReplySchema,
  planReplySchema,
  reviewReplySchema,
  writtenTaskSchema,
} from '../../../../src/manager/reply/schemas.ts';
import { parsePrd } from '../../../../src/manager/planning/draft-tasks.ts';
import { cases } from '../../../rig/effort.ts';
import { PRIORITIES } from '../../../../src/domain/task.ts';
import { scriptedManager, writtenTask } from '../../../rig/scripted-manager.ts';

const NEVER = new AbortController().signal;
const one = (changes: object) => ({ tasks: [writtenTask('3', changes)] });

/** The one task that is read and what was mended in it, or the problems. */
function read(json: unknown): {
  task?: object | undefined;
  notes?: readonly string[];
  problems?: string[];
} {
  const reply = readReply({ schema: parseReplySchema }, { json });
  return reply.ok
    ? { task: reply.value.value.tasks[0], notes: reply.value.notes }
    : { problems: reply.error };
}

describe('what can be mended without losing or inventing anything', () => {
  test('a plan of thirty tasks with a handful of trifles in it costs one call', async () => {
    const tasks = Array.from({ length: 30 }, (_, index) => writtenTask(String(index + 1)));
    const title = `Write ${'the part that reads '.repeat(10)}everything`;
    Object.assign(tasks[3] ?? {}, { title, dependencies: ['1', '77'] });
    Object.assign(tasks[4] ?? {}, { estimateMinutes: 0, priority: 'urgent' });
    const fenced = `Here they are:\n\n\`\`\`json\n${JSON.stringify({ tasks }, null, 2)}\n\`\`\`\n`;
    const { manager, questions } = scriptedManager([fenced]);
    const parsed = await parsePrd(manager, { prd: 'Build it.', existing: [] }, NEVER);
    if (!parsed.ok) throw new Error(parsed.error.failure.message);
    expect(questions).toHaveLength(1);
    const { drafts, notes } = parsed.value;
    expect(drafts).toHaveLength(30);
    expect(drafts[4]).toMatchObject({ priority: 'critical', estimateMinutes: 0.5 });
    expect(drafts[3]?.dependencies).toEqual(['1']);
    expect(notes).toEqual([
      'The reply: the text around its JSON was left out.',
      'Task 4: the title is longer than 200 characters and goes on in description.',
      'Task 5: priority "urgent" is taken for "critical".',
      'Task 5: estimateMinutes 0 is taken for 0.5.',
      'Task 4: it cannot need "77", which is no task; left out.',
    ]);
  });

  test.each<[string, object, object]>([
    ['a number as text', { estimateMinutes: '45 min' }, { estimateMinutes: 45 }],
    ['an id as a number', { id: 3 }, { id: '3' }],
    ['needs as numbers', { dependencies: [1, 2] }, { dependencies: ['1', '2'] }],
    ['needs as a text', { dependencies: '1, 2' }, { dependencies: ['1', '2'] }],
    ['no touches', { touches: undefined }, { touches: [] }],
    ['no details', { details: null }, { details: '' }],
    ['lines of details', { details: ['a', 'b'] }, { details: 'a\nb' }],
    [
      'words of another case',
      { size: 'm', risk: 'Moderate', priority: 'P2' },
      { size: 'M', risk: 'medium', priority: 'medium' },
    ],
    [
      'another spelling',
      { testStrategy: undefined, test_strategy: 'npm test' },
      { testStrategy: 'npm test' },
    ],
    ['a field of its own', { details: 'How.', notes: 'Mind it.' }, { details: 'How.\n\nnotes: Mind it.' }],
    ['an empty field of its own', { subtasks: [] }, {}],
  ])('%s', (_, given, expected) => {
    const { task, notes, problems } = read(one(given));
    expect(problems).toBeUndefined();
    expect(task).toMatchObject(expected);
    expect(notes?.length).toBeGreaterThan(0);
  });

  test('a list in the place of a reply, and the words of a review', () => {
    expect(read([writtenTask('3')]).task).toMatchObject({ id: '3' });
    const finding = {
      id: '',
      severity: 'critical',
      file: null,
      line: 2.4,
      title: 'It loops',
      evidence: 'Here.',
    };
    const review = { findings: [finding], summary: 'No.', verdict: 'Reject' };
    expect(readReply({ schema: reviewReplySchema }, { json: review })).toMatchObject({
      ok: true,
      value: {
        value: { verdict: 'rejected', resolved: [], findings: [{ severity: 'blocker', file: '', line: 2 }] },
      },
    });
  });

  test.each<[string, object]>([
    ['a title', { title: undefined }],
    ['what it needs', { dependencies: undefined }],
    ['an estimate', { estimateMinutes: undefined }],
    ['a word that could mean anything', { priority: 'purple' }],
    ['tasks inside of a task', { subtasks: [writtenTask('4')] }],
    ['a text with nowhere to go on', { details: 'x'.repeat(20_001) }],
  ])('%s is not: it goes back', (_, given) => {
    expect(read(one(given)).problems).toHaveLength(1);
  });
});

describe('laws', () => {
  const text = fc.oneof(fc.string({ unit: 'grapheme', maxLength: 60 }), fc.lorem({ maxCount: 120 }));
  const letters = (value: string): string => value.replaceAll(/[\s…]/gu, '');

  test('no task and no text is lost, invented or moved to another task', () => {
    const tasks = fc.array(fc.record({ title: text, description: text, details: text, note: text }), {
      minLength: 1,
      maxLength: 6,
    });
    fc.assert(
      fc.property(
        tasks,
        fc.integer({ min: -9, max: 9999 }),
        fc.constantFrom('urgent', 'LOW', 'p1', 'mid'),
        (texts, estimateMinutes, priority) => {
          const given = texts.map((task, index) =>
            writtenTask(String(index + 1), { ...task, estimateMinutes, priority }),
          );
          const reply = readReply(
            { schema: parseReplySchema },
            { text: `\`\`\`\n${JSON.stringify({ tasks: given })}\n\`\`\`` },
          );
          if (!reply.ok) throw new Error(reply.error.join());
          expect(reply.value.value.tasks.map(({ id }) => id)).toEqual(
            texts.map((_, index) => String(index + 1)),
          );
          for (const [index, { title, description, details }] of reply.value.value.tasks.entries()) {
            const own = texts[index];
            expect(letters(`${title}${description}${details}`)).toBe(
              letters(
                `${own?.title ?? ''}${own?.description ?? ''}${own?.details ?? ''}${own?.note === '' ? '' : `note:${own?.note ?? ''}`}`,
              ),
            );
          }
        },
      ),
      { numRuns: cases(2_000) },
    );
  });

  test('whatever comes is read or refused, never thrown at, and what has the form stays as it is', () => {
    const schemas = [parseReplySchema, planReplySchema, reviewReplySchema, writtenTaskSchema];
    fc.assert(
      fc.property(
        fc.constantFrom(...schemas),
        fc.jsonValue(),
        fc.dictionary(fc.string(), fc.jsonValue()),
        (schema, json, odd) => {
          for (const given of [json, { tasks: [odd] }, { tasks: [{ ...writtenTask('1'), ...odd }] }]) {
            const reply = readReply<unknown>({ schema }, { json: given });
            if (reply.ok) expect(schema.safeParse(reply.value.value).success).toBe(true);
            if (reply.ok && reply.value.notes.length === 0)
              expect(reply.value.value).toEqual(schema.parse(given));
          }
        },
      ),
      { numRuns: cases(2_000) },
    );
  });

  test('a reply that was cut anywhere and went on is whole again', () => {
    const whole = JSON.stringify(one({ priority: PRIORITIES[0] }));
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: whole.length - 1 }),
        fc.nat(30),
        fc.boolean(),
        (cut, again, fenced) => {
          const rest = whole.slice(Math.max(0, cut - again));
          const parts = [whole.slice(0, cut), fenced ? `\`\`\`json\n${rest}` : rest];
          const overlapIsCertain = again === 0 || again >= 12;
          if (overlapIsCertain) expect(JSON.parse(joinParts(parts))).toEqual(JSON.parse(whole));
        },
      ),
      { numRuns: cases(2_000) },
    );
  });
});
