import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  expandTask,
  MAX_PRD_BYTES,
  parsePrd,
  writeTask,
  writeTasks,
} from '../../../../src/manager/planning/draft-tasks.ts';
import { buildTaskGraph } from '../../../../src/domain/task-graph.ts';
import { makeTask } from '../../../rig/arbitrary-tasks.ts';
import { COST, scriptedManager, writtenTask, writtenText } from '../../../rig/scripted-manager.ts';
import { cases } from '../../../rig/effort.ts';

const NEVER = new AbortController().signal;

describe('parsePrd', () => {
  test('gives drafts in the order of their ids, brought into one form', async () => {
    const { manager, questions } = scriptedManager([
      {
        tasks: [
          writtenTask(' 3 ', {
            dependencies: [' 2', '2', '1'],
            title: ' Two\n lines ',
            touches: [' a ', '', 'a'],
          }),
          writtenTask('2', { dependencies: ['1'] }),
        ],
      },
    ]);
    const parsed = await parsePrd(
      manager,
      { prd: 'Build it.', existing: [makeTask('1')], numTasks: 2 },
      NEVER,
    );
    if (!parsed.ok) throw new Error(parsed.error.failure.message);
    expect(parsed.value.drafts.map(({ id }) => id)).toEqual(['2', '3']);
    expect(parsed.value.drafts[1]).toMatchObject({
      title: 'Two lines',
      dependencies: ['1', '2'],
      touches: ['a'],
    });
    expect(parsed.value.usage).toEqual([COST]);
    expect(questions[0]?.prompt).toContain('about 2 tasks');
    expect(questions[0]?.prompt).toContain('Number them 2, 3');
    expect(questions[0]?.research).toBeUndefined();
  });

  test('refuses an empty PRD and one that is too large before any call', async () => {
    const { manager, questions } = scriptedManager([]);
    for (const prd of ['', ' \n\t\n']) {
      const parsed = await parsePrd(manager, { prd, existing: [] }, NEVER);
      expect(parsed).toMatchObject({ ok: false, error: { failure: { reason: 'wrong-usage' }, usage: [] } });
    }
    const parsed = await parsePrd(manager, { prd: 'ü'.repeat(MAX_PRD_BYTES / 2 + 1), existing: [] }, NEVER);
    if (parsed.ok) throw new Error('expected a failure');
    expect(parsed.error.failure.reason).toBe('prd-too-large');
    expect(parsed.error.failure.message).toContain('204802 bytes');
    expect(parsed.error.failure.message).toContain('204800 bytes (200 KB)');
    expect(questions).toEqual([]);
  });

  test('takes a PRD of the greatest size, unless the manager takes less', async () => {
    const prd = 'x'.repeat(MAX_PRD_BYTES);
    const { manager } = scriptedManager([{ tasks: [writtenTask('1')] }]);
    expect(await parsePrd(manager, { prd, existing: [] }, NEVER)).toMatchObject({ ok: true });
    const small = scriptedManager([], { maxPromptBytes: 100_000 });
    expect(await parsePrd(small.manager, { prd, existing: [] }, NEVER)).toMatchObject({
      ok: false,
      error: { failure: { reason: 'prd-too-large' } },
    });
  });

  test.each([
    ['no need names one of two', [], ['4', '5'], 1],
    ['a need could mean either', ['1'], undefined, 2],
  ])('new tasks that are numbered from 1 again are numbered on, where %s', async (_, needs, ids, calls) => {
    const written = [
      writtenTask('1', { title: 'New' }),
      writtenTask('2', { title: 'Newer', dependencies: needs }),
    ];
    const { manager, questions } = scriptedManager([{ tasks: written }, { tasks: written }]);
    const existing = ['1', '2', '3'].map((id) => makeTask(id, { title: `Old ${id}` }));
    const parsed = await parsePrd(manager, { prd: 'Build it.', existing }, NEVER);
    expect(parsed.ok ? parsed.value.drafts.map(({ id }) => id) : undefined).toEqual(ids);
    expect(questions).toHaveLength(calls);
  });

  test('numbers tasks whose ids are none, needs included, by one call, and tells it', async () => {
    const written = [
      writtenTask('n1'),
      writtenTask('T-3', { dependencies: ['N1', '1'] }),
      writtenTask('3', { dependencies: ['t-3'] }),
    ];
    const { manager, questions } = scriptedManager([{ tasks: written }]);
    const parsed = await parsePrd(manager, { prd: 'Build it.', existing: [makeTask('1')] }, NEVER);
    if (!parsed.ok) throw new Error(parsed.error.failure.message);
    expect(questions).toHaveLength(1);
    expect(parsed.value.drafts.map(({ id, dependencies }) => [id, dependencies])).toEqual([
      ['2', []],
      ['3', ['4']],
      ['4', ['1', '2']],
    ]);
    expect(parsed.value.notes).toEqual(['The reply: ids were mended: "n1" is 2, "T-3" is 4.']);
  });

  test.each([
    ['two of one id', [writtenTask('n1'), writtenTask('N1')]],
    ['a need that could be one of them', [writtenTask('n1'), writtenTask('n2', { dependencies: ['1'] })]],
  ])('where it is not certain which is meant, the reply goes back: %s', async (_, tasks) => {
    const { manager, questions } = scriptedManager([{ tasks }, { tasks: [writtenTask('1')] }]);
    const parsed = await parsePrd(manager, { prd: 'Build it.', existing: [] }, NEVER);
    expect(parsed).toMatchObject({ ok: true, value: { drafts: [{ id: '1' }] } });
    expect(questions[1]?.correction?.problems.join()).toContain('"n1"');
  });

  test('sends every problem back in one turn, of form and of graph alike', async () => {
    const bad = {
      tasks: [
        writtenTask('1', { dependencies: ['2'] }),
        writtenTask('2', { dependencies: ['1'] }),
        writtenTask('3', { dependencies: ['99'] }),
        writtenTask('5', { title: '  ' }),
        writtenTask('6.1'),
        writtenTask('zero'),
        writtenTask('7', { size: 'enormous' }),
        writtenTask('8'),
        writtenTask('8'),
      ],
    };
    const { manager, questions } = scriptedManager([bad, { tasks: [writtenTask('1')] }]);
    const parsed = await parsePrd(manager, { prd: 'Build it.', existing: [] }, NEVER);
    expect(parsed).toMatchObject({ ok: true, value: { usage: [{ input: 20 }], durationMs: 10 } });
    const problems = questions[1]?.correction?.problems.join('\n') ?? '';
    for (const part of [
      '1 → 2 → 1',
      'depends on 99',
      'Task 5 has an empty title',
      '"6.1" is the id of a subtask',
      '"zero" is not a task id',
      'tasks.6.size',
      'Id 8 is used by more than one task',
    ]) {
      expect(problems).toContain(part);
    }
    expect(questions[1]).toMatchObject({ prompt: questions[0]?.prompt, system: questions[0]?.system });
  });

  test.each([
    ['another object', { plan: [writtenTask('1')] }],
    ['a text', '"1. Build it."'],
    ['tasks without ids', { tasks: [{ title: 'Build it' }] }],
    ['a list with something else in it', [writtenTask('1'), 'and more']],
  ])('of a wrong form only the true fault is told: %s', async (_, reply) => {
    const { manager, questions } = scriptedManager([reply, { tasks: [writtenTask('1')] }]);
    await parsePrd(manager, { prd: 'Build it.', existing: [] }, NEVER);
    const problems = questions[1]?.correction?.problems ?? [];
    expect(problems.length).toBeGreaterThan(0);
    expect(problems.join()).not.toMatch(/no tasks|missing|left out/);
  });

  test('fails as a whole after a second bad reply, and lists its problems', async () => {
    const { manager, questions } = scriptedManager([
      { tasks: [] },
      { tasks: [writtenTask('1', { title: ' ' })] },
    ]);
    const parsed = await parsePrd(manager, { prd: 'Build it.', existing: [] }, NEVER);
    if (parsed.ok) throw new Error('expected a failure');
    expect(questions).toHaveLength(2);
    expect(parsed.error.failure.reason).toBe('plan-invalid');
    expect(parsed.error.failure.message).toContain('Task 1 has an empty title');
    expect(parsed.error.usage[0]?.input).toBe(20);
  });

  test('a reply that is no JSON is corrected once as well', async () => {
    const { manager, questions } = scriptedManager(['Sure! Here are', { tasks: [writtenTask('1')] }]);
    expect(await parsePrd(manager, { prd: 'Build it.', existing: [] }, NEVER)).toMatchObject({ ok: true });
    expect(questions[1]?.correction?.reply).toBe('Sure! Here are');
  });
});

const anyId = fc.oneof(
  fc.constantFrom('1', '2', '3', '4', '5', '6', '7', '8'),
  fc.constantFrom('0', '-1', '3.1', '9', '', ' 2 ', 'x', '007', '99999999999'),
);
const anyPlan = fc.record({
  tasks: fc.array(
    fc
      .record({
        id: anyId,
        title: fc.constantFrom('Do', 'Test', '', '   '),
        dependencies: fc.array(anyId, { maxLength: 3 }),
      })
      .map(({ id, ...rest }) => writtenTask(id, rest)),
    { maxLength: 6 },
  ),
});

/** Random plans are hardly ever valid. With these the law is tried with valid and invalid plans each time. */
const soundPlan = fc.constant({ tasks: [writtenTask('3'), writtenTask('4', { dependencies: ['3', '2'] })] });
const firstReply = fc.oneof({ weight: 4, arbitrary: anyPlan }, { weight: 1, arbitrary: soundPlan });
const secondReply = fc.oneof(anyPlan, fc.jsonValue(), soundPlan);

test('whatever the manager replies: a valid graph, or nothing, after one correction at the most', async () => {
  const existing = [makeTask('1'), makeTask('2', { dependencies: ['1'] })];
  const seen = { ok: 0, corrected: 0, failed: 0 };
  await fc.assert(
    fc.asyncProperty(firstReply, secondReply, async (first, second) => {
      const { manager, questions } = scriptedManager([first, second]);
      const parsed = await parsePrd(manager, { prd: 'Build it.', existing }, NEVER);
      if (parsed.ok) {
        expect(parsed.value.drafts.length).toBeGreaterThan(0);
        expect(buildTaskGraph([...existing, ...parsed.value.drafts])).toMatchObject({ ok: true });
        seen[questions.length === 1 ? 'ok' : 'corrected']++;
      } else {
        expect(questions).toHaveLength(2);
        expect(parsed.error.failure.reason).toBe('plan-invalid');
        seen.failed++;
      }
      if (questions.length === 2) {
        const { problems } = questions[1]?.correction ?? { problems: [] };
        expect(problems.length).toBeGreaterThan(0);
        expect(new Set(problems).size).toBe(problems.length);
      }
      expect(parsed.ok ? parsed.value.usage[0]?.input : parsed.error.usage[0]?.input).toBe(
        10 * questions.length,
      );
    }),
    { numRuns: cases(3_000) },
  );
  for (const count of Object.values(seen)) expect(count).toBeGreaterThan(10);
});

describe('writeTask', () => {
  test('gives the next free id to the task', async () => {
    const written = writtenText({ dependencies: ['12'] });
    const { manager, questions } = scriptedManager([written]);
    const existing = [makeTask('12'), makeTask('3.40'), makeTask('3')];
    const added = await writeTask(manager, { text: 'dark mode', existing }, NEVER);
    expect(added).toMatchObject({ ok: true, value: { drafts: [{ id: '13', dependencies: ['12'] }] } });
    expect(questions[0]?.prompt).toContain('dark mode');
  });

  test('leaves out, and names, an unknown dependency and one on itself; a title stands for its task', async () => {
    const written = writtenText({ dependencies: ['2', '7', 'task 1.', 'Task 1'] });
    const { manager } = scriptedManager([written]);
    const added = await writeTask(manager, { text: 'dark mode', existing: [makeTask('1')] }, NEVER);
    expect(added).toMatchObject({
      ok: true,
      value: {
        drafts: [{ id: '2', dependencies: ['1'] }],
        notes: [
          'Task 2: it cannot need "2", which is itself; left out.',
          'Task 2: it cannot need "7", which is no task; left out.',
          'Task 2: it cannot need "task 1.", which is no task; left out.',
        ],
      },
    });
  });

  test('refuses an empty wish', async () => {
    const { manager } = scriptedManager([]);
    expect(await writeTask(manager, { text: ' ', existing: [] }, NEVER)).toMatchObject({
      ok: false,
      error: { failure: { reason: 'wrong-usage' } },
    });
  });
});

describe('writeTasks', () => {
  test('asks once for all wishes, and takes one task for each', async () => {
    const [third, fourth] = [writtenTask('3'), writtenTask('4', { dependencies: ['3'] })];
    const { manager, questions } = scriptedManager([
      { tasks: [third, writtenTask('5')] },
      { tasks: [fourth, third] },
    ]);
    const existing = [makeTask('2')];
    const added = await writeTasks(manager, { texts: ['log in', 'dark mode'], existing }, NEVER);
    expect(added).toMatchObject({ ok: true, value: { drafts: [{ id: '3' }, { id: '4' }] } });
    expect(questions[0]?.prompt).toMatch(/wish for task 3">\nlog in\n[^]*wish for task 4">\ndark mode/);
    expect(questions[1]?.correction?.problems).toEqual([
      'Task 4 is missing.',
      'Task 5 belongs to no wish: there is one task for each of 3, 4.',
    ]);
  });

  test('asks for a single wish as always, and not at all for an empty one', async () => {
    const { manager, questions } = scriptedManager([writtenText()]);
    expect(await writeTasks(manager, { texts: ['dark mode'], existing: [] }, NEVER)).toMatchObject({
      ok: true,
    });
    expect(questions[0]?.prompt).toContain('Write the wish as one task.');
    const refused = await writeTasks(manager, { texts: ['dark mode', ' '], existing: [] }, NEVER);
    expect(refused).toMatchObject({ ok: false, error: { failure: { reason: 'wrong-usage' } } });
    expect(questions).toHaveLength(1);
  });
});

test('subtasks whose ids are none are numbered below their task', async () => {
  const written = { tasks: [writtenTask('a'), writtenTask('b', { dependencies: ['a'] })], sources: [] };
  const { manager, questions } = scriptedManager([written]);
  const task = makeTask('5');
  const request = { task, existing: [task, makeTask('5.1')], research: false };
  const expanded = await expandTask(manager, request, NEVER);
  expect(questions).toHaveLength(1);
  expect(expanded).toMatchObject({
    ok: true,
    value: { drafts: [{ id: '5.2' }, { id: '5.3', dependencies: ['5.2'] }] },
  });
});

describe('expandTask', () => {
  const existing = [makeTask('3'), makeTask('3.1'), makeTask('3.2'), makeTask('4')];
  const task = makeTask('3');

  test('numbers on after the subtasks that are there, and refuses other places', async () => {
    const { manager, questions } = scriptedManager([
      { tasks: [writtenTask('5'), writtenTask('4.1'), writtenTask('3.1')], sources: [] },
      { tasks: [writtenTask('3.3', { dependencies: ['3.2'] }), writtenTask('3.4')], sources: [] },
    ]);
    const request = { task, existing, num: 2, research: false, prompt: 'small steps' };
    const expanded = await expandTask(manager, request, NEVER);
    expect(expanded).toMatchObject({ ok: true, value: { drafts: [{ id: '3.3' }, { id: '3.4' }] } });
    expect(questions[0]?.prompt).toContain('3.3, 3.4');
    expect(questions[0]?.prompt).toContain('small steps');
    expect(questions[1]?.correction?.problems).toEqual([
      '"5" is not the id of a subtask of 3: expected 3.1 or the like.',
      '"4.1" is not the id of a subtask of 3: expected 3.1 or the like.',
      'Id 3.1 is used by more than one task.',
    ]);
  });

  test('keeps the sources that were looked at and relied on', async () => {
    const looked = ['https://a.example/1', 'src/a.ts', 'https://a.example/2'];
    const reply = (sources: string[]): object => ({ tasks: [writtenTask('3.3')], sources });
    const details = async (sources: string[], research: boolean): Promise<string | undefined> => {
      const { manager } = scriptedManager([reply(sources)], { sources: looked });
      const expanded = await expandTask(manager, { task, existing, research }, NEVER);
      return expanded.ok ? expanded.value.drafts[0]?.details : undefined;
    };
    expect(await details(['https://a.example/2', 'https://invented.example'], true)).toBe(
      'How.\n\nSources:\n- https://a.example/2',
    );
    expect(await details([], true)).toBe(
      'How.\n\nSources:\n- https://a.example/1\n- src/a.ts\n- https://a.example/2',
    );
    expect(await details(['https://a.example/2'], false)).toBe('How.');
  });

  test('refuses to expand a subtask', async () => {
    const { manager } = scriptedManager([]);
    const expanded = await expandTask(manager, { task: makeTask('3.1'), existing, research: false }, NEVER);
    expect(expanded).toMatchObject({ ok: false, error: { failure: { reason: 'wrong-usage' } } });
  });
});
