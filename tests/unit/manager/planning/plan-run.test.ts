import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Manager } from '../../../../src/manager/manager.ts';
import {
  deserializePlan,
  hashPlanInputs,
  planRun,
  serializePlan,
} from '../../../../src/manager/planning/plan-run.ts';
import { err } from '../../../../src/domain/result.ts';
import { buildTaskGraph } from '../../../../src/domain/task-graph.ts';
import type { FailureReason } from '../../../../src/domain/failure.ts';
import { makeTask } from '../../../rig/arbitrary-tasks.ts';
import { COST, scriptedManager } from '../../../rig/scripted-manager.ts';
import { cases } from '../../../rig/effort.ts';

const NEVER = new AbortController().signal;
const TASKS = [
  makeTask('1', { status: 'done' }),
  makeTask('2', { dependencies: ['1'] }),
  makeTask('3'),
  makeTask('3.1'),
  makeTask('3.2', { dependencies: ['3.1'], status: 'failed' }),
];

function entry(id: string, dependencies: string[] = []): object {
  return { id, size: 'S', estimateMinutes: 4, touches: ['src/a/**'], risk: 'low', dependencies };
}

describe('planRun', () => {
  test('asks for the open leaves only and gives the plan in the order of ids', async () => {
    const { manager, questions } = scriptedManager([
      { tasks: [entry('3.2'), entry('2', ['3.1', ' 3.1']), entry('3.1')] },
    ]);
    const plan = await planRun(manager, TASKS, NEVER);
    expect(plan).toMatchObject({
      ok: true,
      value: {
        source: 'manager',
        warning: null,
        usage: [COST],
        tasks: [{ id: '2', dependencies: ['3.1'] }, { id: '3.1' }, { id: '3.2' }],
      },
    });
    expect(questions[0]?.prompt.match(/"plan":true/g)).toHaveLength(3);
  });

  test('takes what stands for an id for it, where no task is meant twice', async () => {
    const { manager, questions } = scriptedManager([
      { tasks: [entry('T-2', ['n3.1']), entry('task_3.1'), entry('3.2')] },
      { tasks: [entry('2'), entry('T-2'), entry('3.1'), entry('3.2')] },
      { tasks: [] },
    ]);
    expect(await planRun(manager, TASKS, NEVER)).toMatchObject({
      ok: true,
      value: {
        tasks: [{ id: '2', dependencies: ['3.1'] }, { id: '3.1' }, { id: '3.2' }],
        notes: ['The reply: ids were mended: "T-2" is 2, "n3.1" is 3.1, "task_3.1" is 3.1.'],
      },
    });
    expect(questions).toHaveLength(1);
    await planRun(manager, TASKS, NEVER);
    expect(questions[2]?.correction?.problems).toEqual([
      '"T-2" is not one of the tasks that are to be planned.',
    ]);
  });

  test('sends back what is invented, left out, doubled or cyclic, in one turn', async () => {
    const { manager, questions } = scriptedManager([
      { tasks: [entry('1'), entry('2', ['3.1']), entry('3.1', ['2', '77']), entry('3.1'), entry('9')] },
      { tasks: [entry('2'), entry('3.1'), entry('3.2')] },
    ]);
    expect(await planRun(manager, TASKS, NEVER)).toMatchObject({ ok: true, value: { source: 'manager' } });
    expect(questions[1]?.correction?.problems).toEqual([
      '"1" is not one of the tasks that are to be planned.',
      'Task 3.1 is planned more than once.',
      '"9" is not one of the tasks that are to be planned.',
      'Task 3.2 is left out.',
      'Tasks wait for each other in a cycle: 2 → 3.1 → 2 (each needs the next).',
    ]);
  });

  test('falls back to the stored dependencies with a warning after a second bad plan', async () => {
    const { manager } = scriptedManager([{ tasks: [] }, 'nonsense']);
    const plan = await planRun(manager, TASKS, NEVER);
    if (!plan.ok) throw new Error('expected a fallback');
    expect(plan.value).toMatchObject({ source: 'stored', tasks: [], usage: [{ input: 20 }] });
    expect(plan.value.warning).toContain('stored dependencies');
  });

  const failing = (reason: FailureReason): Manager => ({
    description: '',
    maxPromptBytes: 1e6,
    ask: () =>
      Promise.resolve(
        err({ failure: { reason, message: 'It did not work.' }, usage: [COST], durationMs: 1 }),
      ),
  });

  test.each<FailureReason>(['manager-unavailable', 'unauthenticated', 'usage-limited', 'model-unavailable'])(
    'a failure (%s) is a warning, and its cost is kept',
    async (reason) => {
      const plan = await planRun(failing(reason), TASKS, NEVER);
      expect(plan).toMatchObject({ ok: true, value: { source: 'stored', usage: [COST] } });
      expect(plan.ok && plan.value.warning).toContain('It did not work.');
    },
  );

  test('an abort is an error', async () => {
    expect(await planRun(failing('interrupted'), TASKS, NEVER)).toMatchObject({
      ok: false,
      error: { failure: { reason: 'interrupted' } },
    });
  });

  test('asks nothing where nothing is open, or where it does not fit', async () => {
    const { manager, questions } = scriptedManager([], { maxPromptBytes: 100 });
    const done = await planRun(manager, [makeTask('1', { status: 'done' })], NEVER);
    expect(done).toMatchObject({ ok: true, value: { source: 'stored', warning: null } });
    const large = await planRun(manager, TASKS, NEVER);
    expect(large.ok && large.value.warning).toContain('the limit is 100');
    expect(questions).toEqual([]);
  });

  test('whatever the plan says: no task invented or dropped, and never a cycle', async () => {
    const id = fc.constantFrom('1', '2', '3', '3.1', '3.2', '4', ' 2', 'x');
    const planned = (own: fc.Arbitrary<string>, most: number): fc.Arbitrary<object> =>
      fc.tuple(own, fc.array(id, { maxLength: most })).map(([task, needs]) => entry(task, needs));
    const complete = fc.tuple(...['2', '3.1', '3.2'].map((own) => planned(fc.constant(own), 1)));
    const plans = fc.record({ tasks: fc.oneof(fc.array(planned(id, 2), { maxLength: 5 }), complete) });
    const seen = { manager: 0, stored: 0 };
    await fc.assert(
      fc.asyncProperty(plans, plans, async (...replies) => {
        const plan = await planRun(scriptedManager(replies).manager, TASKS, NEVER);
        if (!plan.ok) throw new Error('expected a plan or a fallback');
        seen[plan.value.source]++;
        if (plan.value.source === 'stored') return;
        expect(plan.value.tasks.map((task) => task.id)).toEqual(['2', '3.1', '3.2']);
        const added = new Map(plan.value.tasks.map((task) => [task.id, task.dependencies]));
        const merged = TASKS.map((task) => ({
          ...task,
          dependencies: [...task.dependencies, ...(added.get(task.id) ?? [])],
        }));
        expect(buildTaskGraph(merged).ok).toBe(true);
      }),
      { numRuns: cases(2_000) },
    );
    expect(Math.min(seen.manager, seen.stored)).toBeGreaterThan(10);
  });
});

describe('hashPlanInputs', () => {
  test('stays the same where nothing that is planned changed', () => {
    const key = hashPlanInputs(TASKS, 'opus');
    const later = TASKS.map((task) => ({
      ...task,
      status: 'done' as const,
      updatedAt: '2027-01-01T00:00:00.000Z',
      size: 'L' as const,
      touches: ['x'],
      dependencies: [...task.dependencies].reverse(),
    }));
    expect(hashPlanInputs(later.reverse(), 'opus')).toBe(key);
    expect(key).toMatch(/^[0-9a-f]{64}$/);
  });

  test.each([
    ['title', { title: 'Other' }],
    ['description', { description: 'Other' }],
    ['details', { details: 'Other' }],
    ['dependencies', { dependencies: ['3'] }],
  ])('changes with the %s', (_name, change) => {
    const changed = TASKS.map((task) => (task.id === '2' ? { ...task, ...change } : task));
    expect(hashPlanInputs(changed, 'opus')).not.toBe(hashPlanInputs(TASKS, 'opus'));
  });

  test('changes with the model, and with a task more or less', () => {
    expect(hashPlanInputs(TASKS, 'sonnet')).not.toBe(hashPlanInputs(TASKS, 'opus'));
    expect(hashPlanInputs(TASKS.slice(1), 'opus')).not.toBe(hashPlanInputs(TASKS, 'opus'));
  });
});

test('a plan comes out of the cache as it went in, and rubbish is none', async () => {
  const { manager } = scriptedManager([{ tasks: [entry('2'), entry('3.1'), entry('3.2', ['2'])] }]);
  const plan = await planRun(manager, TASKS, NEVER);
  if (!plan.ok) throw new Error('expected a plan');
  expect(deserializePlan(serializePlan(plan.value.tasks))).toEqual(plan.value.tasks);
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      const read = deserializePlan(text);
      expect(read === undefined || Array.isArray(read)).toBe(true);
    }),
    { numRuns: cases(2_000) },
  );
});
