import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import type { ScenarioInput } from '../../src/simulator/scenario.ts';
import type { Task } from '../../src/domain/task.ts';
import { projectRig, writtenTask, type ProjectRig } from '../rig/project.ts';

type ReplyInput = NonNullable<ScenarioInput['rules'][number]['reply']>;

const WISH: ReplyInput = {
  json: { ...writtenTask('0', 'Log every request', ['1']), id: undefined },
  usage: { input: 300, output: 40 },
};
const SPLIT: ReplyInput = {
  json: { tasks: [writtenTask('2.1', 'Part A'), writtenTask('2.2', 'Part B', ['2.1'])], sources: [] },
  usage: { input: 500, output: 60 },
};

const open: ProjectRig[] = [];
afterEach(async () => {
  for (const rig of open.splice(0)) await rig.close();
});

/** A project with the tasks 1, 2 and 3 in a chain, whose manager gives these replies, the last one for ever. */
async function rigWith(...replies: ReplyInput[]): Promise<ProjectRig> {
  const rules = replies.map((reply, index) => ({
    reply,
    ...(index < replies.length - 1 ? { times: 1 } : {}),
  }));
  const rig = await projectRig({ rules });
  open.push(rig);
  for (const [title, ...needs] of [['One'], ['Two', '1'], ['Three', '2']] as const)
    expect(
      await rig.tool(['add', '--raw', title, ...(needs.length > 0 ? ['--depends-on', needs.join()] : [])]),
    ).toMatchObject({ exitCode: 0 });
  return rig;
}

const tasks = (rig: ProjectRig): Task[] => rig.withStore((store) => store.tasks());
const task = (rig: ProjectRig, id: string): Task | undefined => tasks(rig).find((each) => each.id === id);

describe('add', () => {
  test('stores the task that the manager wrote, with the dependencies that were asked for too', async () => {
    const rig = await rigWith(WISH);
    const end = await rig.tool(['add', 'log', 'all requests', '--depends-on', '3', '--priority', 'critical']);
    expect(end).toMatchObject({ exitCode: 0 });
    expect(end.stdout).toMatch(
      /^Stored 1 task\n +4 {2}Log every request +needs 1, 3 · critical · M 8 min\nCost: \$/,
    );
    expect(task(rig, '4')).toMatchObject({
      title: 'Log every request',
      dependencies: ['1', '3'],
      priority: 'critical',
    });
    expect(rig.questions()[0]).toContain('log all requests');
    const booked = rig.withStore((store) => store.usage());
    expect(booked).toMatchObject([{ input: 300, output: 40, role: 'manager', runId: null }]);
    expect(booked).toMatchObject(rig.simulator.ledger.usage());
  });

  test('--raw keeps the text as typed, asks nobody, and needs no key', async () => {
    const rig = await rigWith(WISH);
    const text = '  Write the notes\n\nfor @everyone, "quoted" \u001b[31m漢字  ';
    const end = await rig.tool(['add', '--raw', text, '--json'], { env: { ANTHROPIC_API_KEY: '' } });
    expect(JSON.parse(end.stdout)).toMatchObject({
      stored: true,
      task: { id: '4', title: 'Write the notes' },
    });
    expect(task(rig, '4')).toMatchObject({ description: text.trim(), dependencies: [], size: null });
    expect(rig.simulator.requests).toEqual([]);
  });

  test('takes the text from stdin', async () => {
    const rig = await rigWith(WISH);
    expect(
      await rig.tool(['add', '--raw', '-'], { input: 'From a pipe\nwith a second line\n' }),
    ).toMatchObject({
      exitCode: 0,
    });
    expect(task(rig, '4')).toMatchObject({
      title: 'From a pipe',
      description: 'From a pipe\nwith a second line',
    });
  });

  test.each<[string, string[], RegExp]>([
    ['an unknown dependency', ['add', 'x', '--depends-on', '1,99'], /no task 99/],
    ['no id', ['add', 'x', '--depends-on', 'one'], /expected a task id/],
    ['an unknown priority', ['add', 'x', '--priority', 'urgent'], /urgent/],
    ['an empty text', ['add', ' '], /empty/],
    ['no text', ['add'], /The task is empty/],
    ['an unknown option', ['add', 'x', '--prioritty', 'low'], /--priority/],
  ])('%s is refused before any call', async (_, args, message) => {
    const rig = await rigWith(WISH);
    const end = await rig.tool(args);
    expect(end).toMatchObject({ exitCode: 2, stdout: '' });
    expect(end.stderr).toMatch(message);
    expect(rig.simulator.requests).toEqual([]);
    expect(tasks(rig)).toHaveLength(3);
  });

  test('ten at once lose nothing, each gets an id of its own', async () => {
    const rig = await rigWith(WISH);
    const ends = await Promise.all(
      Array.from({ length: 10 }, (_, index) => rig.tool(['add', '--raw', `New ${index}`])),
    );
    expect(ends.map(({ exitCode }) => exitCode)).toEqual(Array.from({ length: 10 }, () => 0));
    const added = tasks(rig).slice(3);
    expect(added.map(({ title }) => title).sort()).toEqual(
      Array.from({ length: 10 }, (_, index) => `New ${index}`),
    );
    expect(new Set(added.map(({ id }) => id)).size).toBe(10);
  });
});

describe('expand', () => {
  test.each([[['expand', '2']], [['expand', '--id=2', '--num', '2', '--prompt', 'tests first']]])(
    '%j stores the subtasks, and what needs the task waits for them',
    async (args) => {
      const rig = await rigWith(SPLIT);
      const end = await rig.tool(args);
      expect(end).toMatchObject({ exitCode: 0 });
      expect(end.stdout).toContain('Stored 2 tasks under task 2');
      expect(tasks(rig).map(({ id, dependencies }) => [id, dependencies])).toEqual([
        ['1', []],
        ['2', ['1']],
        ['2.1', []],
        ['2.2', ['2.1']],
        ['3', ['2']],
      ]);
      if (args.length > 2) expect(rig.questions()[0]).toMatch(/tests first.*about 2 subtasks/s);
    },
  );

  test('--research lets the manager search, and the details tell what it relied on', async () => {
    const rig = await rigWith({
      searches: [{ query: 'csv', results: [{ title: 'CSV', url: 'https://example.org/csv' }] }],
      json: { tasks: [writtenTask('2.1', 'Read the CSV')], sources: ['https://example.org/csv'] },
    });
    const end = await rig.tool(['expand', '2', '--research']);
    expect(end).toMatchObject({ exitCode: 0 });
    expect(end.stdout).toContain('Source: https://example.org/csv');
    expect(task(rig, '2.1')?.details).toMatch(/at length\..*Sources:\n- https:\/\/example\.org\/csv/s);
    expect(rig.questions()[0]).toContain('web_search');
  });

  test.each([
    ['done', /is done.*set-status 2 pending/s],
    ['cancelled', /is cancelled/],
    ['in-progress', /is in-progress/],
    ['review', /is review/],
  ] as const)('a task that is %s is refused before any call', async (status, message) => {
    const rig = await rigWith(SPLIT);
    rig.withStore((store) => store.setStatus(['2'], status, 'test'));
    const end = await rig.tool(['expand', '2']);
    expect(end).toMatchObject({ exitCode: 2, stdout: '' });
    expect(end.stderr).toMatch(message);
    expect(rig.simulator.requests).toEqual([]);
  });

  test('with subtasks there already it asks for --force, which replaces the pending ones only', async () => {
    const rig = await rigWith(SPLIT, {
      json: { tasks: [writtenTask('2.2', 'Part C', ['2.1'])], sources: [] },
    });
    await rig.tool(['expand', '2']);
    const asked = rig.simulator.requests.length;
    const refused = await rig.tool(['expand', '2']);
    expect(refused.exitCode).toBe(2);
    expect(refused.stderr).toMatch(/2 subtasks already, 2 of them pending.*--force/s);
    expect(await rig.tool(['expand', '2.1'])).toMatchObject({ exitCode: 2 });
    expect(rig.simulator.requests).toHaveLength(asked);

    rig.withStore((store) => store.setStatus(['2.1'], 'done', 'test'));
    expect(await rig.tool(['expand', '2', '--force'])).toMatchObject({ exitCode: 0 });
    expect(tasks(rig).map(({ id, title, status }) => [id, title, status])).toEqual([
      ['1', 'One', 'pending'],
      ['2', 'Two', 'in-progress'],
      ['2.1', 'Part A', 'done'],
      ['2.2', 'Part C', 'pending'],
      ['3', 'Three', 'pending'],
    ]);
  });

  test('a subtask that was taken up while the manager was asked is not replaced', async () => {
    const rig = await rigWith(SPLIT, {
      json: { tasks: [writtenTask('2.1', 'Part C')], sources: [] },
      waitMs: 1_500,
    });
    await rig.tool(['expand', '2']);
    const before = rig.questions().length;
    const tool = rig.start(['expand', '2', '--force']);
    while (rig.questions().length === before) await delay(20);
    rig.withStore((store) => store.setStatus(['2.1'], 'in-progress', 'test'));
    // 2.2 needs 2.1, which stays, so both can go on as they are; only 2.2 is replaced.
    expect(await tool.end).toMatchObject({ exitCode: 0 });
    const left = tasks(rig).filter(({ id }) => id.startsWith('2.'));
    expect(left.map(({ title, status }) => [title, status])).toEqual([
      ['Part A', 'in-progress'],
      ['Part C', 'pending'],
    ]);
  });

  test('what other tasks need is not replaced under their feet', async () => {
    const rig = await rigWith(SPLIT);
    await rig.tool(['expand', '2']);
    rig.withStore((store) => store.addDependency('3', '2.2'));
    const asked = rig.simulator.requests.length;
    const end = await rig.tool(['expand', '2', '--force']);
    expect(end.exitCode).toBe(2);
    expect(end.stderr).toMatch(/Task 3 needs/);
    expect(rig.simulator.requests).toHaveLength(asked);
  });

  test('unknown, missing and twice given ids are refused before any call', async () => {
    const rig = await rigWith(SPLIT);
    for (const args of [['99'], [], ['2', '--id=2'], ['two'], ['2', '--num', '0'], ['2', '3']])
      expect(await rig.tool(['expand', ...args])).toMatchObject({ exitCode: 2, stdout: '' });
    expect(rig.simulator.requests).toEqual([]);
  });
});
