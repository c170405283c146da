import { copyFile, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import type { ModelUsage } from '../../src/domain/attempt.ts';
import type { ScenarioInput } from '../../src/simulator/scenario.ts';
import { projectRig, writtenTask, type ProjectRig, type StartedTool } from '../rig/project.ts';

type ReplyInput = NonNullable<ScenarioInput['rules'][number]['reply']>;

const TASKS = [
  writtenTask('1', 'Set up the repository'),
  writtenTask('2', 'Write the API', ['1']),
  writtenTask('3', 'Write the docs', ['1', '2']),
];
const GOOD: ReplyInput = {
  json: { tasks: TASKS },
  usage: { input: 1_234, output: 567, cacheRead: 89, cacheWrite: 10 },
};

const open: ProjectRig[] = [];
afterEach(async () => {
  for (const rig of open.splice(0)) await rig.close();
});

/** A project whose manager gives these replies, the last one for ever. */
async function rigWith(...replies: ReplyInput[]): Promise<ProjectRig> {
  const rules = replies.map((reply, index) => ({
    reply,
    ...(index < replies.length - 1 ? { times: 1 } : {}),
  }));
  const rig = await projectRig({ rules });
  open.push(rig);
  await writeFile(join(rig.directory, 'prd.md'), 'Build a web service that counts visitors.\n');
  return rig;
}

const titles = (rig: ProjectRig): string[] =>
  rig.withStore((store) => store.tasks().map(({ title }) => title));
const spent = (rig: ProjectRig): ModelUsage[] => rig.simulator.ledger.usage().map((usage) => ({ ...usage }));

/** What the store has booked, in the same form. */
function booked(
  rig: ProjectRig,
): Pick<ModelUsage, 'model' | 'input' | 'output' | 'cacheRead' | 'cacheWrite'>[] {
  return rig.withStore((store) =>
    store.usage().map(({ model, input, output, cacheRead, cacheWrite }) => ({
      model,
      input,
      output,
      cacheRead,
      cacheWrite,
    })),
  );
}

/** Waits until the manager was asked; the reply of `no-headers` never comes. */
async function untilAsked(rig: ProjectRig, tool: StartedTool): Promise<void> {
  while (rig.questions().length === 0) {
    if (tool.process.exitCode !== null) throw new Error(`ended too early: ${tool.output.stderr}`);
    await delay(20);
  }
}

describe('parse', () => {
  test('stores what the manager made of a one-line document, shows it, and books the call to the token', async () => {
    const rig = await rigWith(GOOD);
    const end = await rig.tool(['parse', 'prd.md']);
    expect(end).toMatchObject({ exitCode: 0 });
    expect(end.stderr).toContain('manager: opus (claude-opus-5-5) via API key …-key');
    expect(end.stdout).toMatch(/^Stored 3 tasks\n/);
    expect(end.stdout).toMatch(/3 {2}Write the docs +needs 1, 2 · medium · M 8 min\n/);
    expect(end.stdout).toMatch(/Cost: \$\d/);
    const tasks = rig.withStore((store) => store.tasks());
    expect(tasks.map(({ id, title, dependencies }) => [id, title, dependencies])).toEqual([
      ['1', 'Set up the repository', []],
      ['2', 'Write the API', ['1']],
      ['3', 'Write the docs', ['1', '2']],
    ]);
    expect(tasks[1]).toMatchObject({ size: 'M', estimateMinutes: 8, touches: ['src/**'], risk: 'low' });
    expect(booked(rig)).toEqual([
      { model: 'claude-opus-5-5', input: 1_234, output: 567, cacheRead: 89, cacheWrite: 10 },
    ]);
    expect(spent(rig)).toMatchObject(booked(rig));
  });

  test('--json prints one document, in the documented shape, and nothing else on stdout', async () => {
    const rig = await rigWith(GOOD);
    const end = await rig.tool(['parse', 'prd.md', '--json', '--num-tasks', '3']);
    const printed = JSON.parse(end.stdout) as Record<string, unknown>;
    expect(Object.keys(printed)).toEqual(['stored', 'tasks', 'mended', 'usage', 'costUsd', 'durationMs']);
    expect(printed['stored']).toBe(true);
    expect(printed['tasks']).toMatchObject(TASKS.map(({ id, title }) => ({ id, title, status: 'pending' })));
    expect(printed['usage']).toEqual(spent(rig));
    expect(rig.questions()[0]).toContain('about 3 tasks');
  });

  test('a reply that cannot be used is kept for its user, and is taken once it is mended, for nothing', async () => {
    const cyclic = TASKS.map((task, index) => (index === 0 ? { ...task, dependencies: ['3'] } : task));
    const rig = await rigWith({ json: { tasks: cyclic } });
    const failed = await rig.tool(['parse', 'prd.md', '--json']);
    const { error } = JSON.parse(failed.stdout) as { error: { message: string; fix: string } };
    expect(error.message).toContain('cycle');
    const [, file = '', again = ''] =
      /mend it in (\S+), and then run `claude-orchestrator ([^`]+)`/.exec(error.fix) ?? [];
    expect(again).toBe(`parse prd.md --reply ${file}`);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(rig.questions()).toHaveLength(2);

    const unmended = await rig.tool(again.split(' '));
    expect(unmended).toMatchObject({ exitCode: 1, stdout: '' });
    expect(unmended.stderr).toMatch(/cycle[^]*mend the file/i);
    const kept = JSON.parse(await readFile(file, 'utf8')) as { tasks: object[] };
    Object.assign(kept.tasks[0] ?? {}, { dependencies: [], priority: 'urgent' });
    await writeFile(file, JSON.stringify(kept));
    const stored = await rig.tool([...again.split(' '), '--json']);
    expect(JSON.parse(stored.stdout)).toMatchObject({
      stored: true,
      costUsd: 0,
      mended: ['Task 1: priority "urgent" is taken for "critical".'],
    });
    expect(titles(rig)).toEqual(TASKS.map(({ title }) => title));
    expect(rig.questions()).toHaveLength(2);
  });

  test('several files and stdin go out as one document, each under its name', async () => {
    const rig = await rigWith(GOOD);
    await writeFile(join(rig.directory, 'api.md'), '\ufeffThe API is REST.');
    const end = await rig.tool(['parse', 'prd.md', 'api.md', '-'], { input: 'It is written in Go.' });
    expect(end.exitCode).toBe(0);
    const question = rig.questions()[0] ?? '';
    for (const part of [
      'File: prd.md',
      'counts visitors',
      'File: api.md',
      'The API is REST.',
      'File: -',
      'written in Go',
    ])
      expect(question).toContain(part);
  });

  test('a document of 200 KB goes out whole, one byte more is refused before any call', async () => {
    const rig = await rigWith(GOOD);
    const line = 'The service keeps every visit for a year.\n';
    const size = 200 * 1024;
    const last = 'The very last requirement.';
    const whole = line.repeat(size / line.length).slice(0, size - last.length) + last;
    await writeFile(join(rig.directory, 'long.md'), whole);
    await writeFile(join(rig.directory, 'longer.md'), `${whole}!`);
    const refused = await rig.tool(['parse', 'longer.md']);
    expect(refused).toMatchObject({ exitCode: 2, stdout: '' });
    expect(refused.stderr).toMatch(/longer\.md.*201 KB.*at most 200 KB/s);
    expect(rig.simulator.requests).toEqual([]);
    expect(await rig.tool(['parse', 'prd.md', 'long.md'])).toMatchObject({ exitCode: 2 });
    expect(rig.simulator.requests).toEqual([]);
    expect(await rig.tool(['parse', 'long.md'])).toMatchObject({ exitCode: 0 });
    expect(rig.questions()[0]).toContain(last);
  });

  test('a document that is new is added to the tasks there are', async () => {
    const rig = await rigWith(
      { json: { tasks: [writtenTask('2', 'Write the API', ['1'])] } },
      { json: { tasks: [writtenTask('3', 'Write the client', ['2'])] } },
    );
    await rig.tool(['add', '--raw', 'Tidy up']);
    expect(await rig.tool(['parse', 'prd.md'])).toMatchObject({ exitCode: 0 });
    expect(titles(rig)).toEqual(['Tidy up', 'Write the API']);
    // The same requirements under another name are not new.
    await copyFile(join(rig.directory, 'prd.md'), join(rig.directory, 'copy.md'));
    expect((await rig.tool(['parse', 'copy.md'])).stderr).toContain('copy.md (unchanged)');
    expect(await rig.tool(['parse', '-'], { input: 'A client in Go.' })).toMatchObject({ exitCode: 0 });
    expect(await rig.tool(['parse', '-'], { input: 'A client in Go.' })).toMatchObject({ exitCode: 2 });
    expect(titles(rig)).toEqual(['Tidy up', 'Write the API', 'Write the client']);
  });

  test('with its tasks there already it never guesses; --append adds, --replace keeps what is in progress', async () => {
    const rig = await rigWith(
      GOOD,
      {
        json: { tasks: [writtenTask('4', 'Write the client', ['2'])] },
      },
      { json: { tasks: [writtenTask('9', 'Start over', ['2'])] } },
    );
    await rig.tool(['parse', 'prd.md']);
    const asked = rig.simulator.requests.length;
    const refused = await rig.tool(['parse', 'prd.md']);
    expect(refused.exitCode).toBe(2);
    expect(refused.stderr).toMatch(/prd\.md \(unchanged\).*already 3 tasks.*--append.*--replace/s);
    // Nor does it pay for the preview of what it would refuse.
    expect(await rig.tool(['parse', 'prd.md', '--dry-run'])).toMatchObject({ exitCode: 2, stdout: '' });
    await writeFile(join(rig.directory, 'prd.md'), 'Count visitors, and show them on a page.');
    expect((await rig.tool(['parse', './prd.md'])).stderr).toContain('prd.md (changed since)');
    // What is wrong with the files is told first, whatever tasks there are.
    expect((await rig.tool(['parse', 'nothing.md'])).stderr).toContain('There is no file');
    expect((await rig.tool(['parse', 'prd.md', '--reply', 'nothing.json'])).stderr).toContain('nothing.json');
    expect(await rig.tool(['parse', 'prd.md', '--append', '--replace'])).toMatchObject({ exitCode: 2 });
    expect(rig.simulator.requests).toHaveLength(asked);
    expect(titles(rig)).toHaveLength(3);

    expect(await rig.tool(['parse', 'prd.md', '--append'])).toMatchObject({ exitCode: 0 });
    expect(titles(rig)).toEqual([
      'Set up the repository',
      'Write the API',
      'Write the docs',
      'Write the client',
    ]);

    rig.withStore((store) => store.setStatus(['2'], 'in-progress', 'test'));
    expect(await rig.tool(['parse', 'prd.md', '--replace'])).toMatchObject({ exitCode: 0 });
    const left = rig.withStore((store) => store.tasks());
    expect(left.map(({ title, status }) => [title, status])).toEqual([
      ['Write the API', 'in-progress'],
      ['Start over', 'pending'],
    ]);
  });

  test('--dry-run shows everything and stores nothing but the cost', async () => {
    const rig = await rigWith(GOOD);
    const end = await rig.tool(['parse', 'prd.md', '--dry-run']);
    expect(end.exitCode).toBe(0);
    expect(end.stdout).toContain('Would store 3 tasks');
    expect(titles(rig)).toEqual([]);
    expect(booked(rig)).toHaveLength(1);
  });
});

describe('a bad plan', () => {
  const BAD: ReplyInput = {
    json: {
      tasks: [
        writtenTask('1', 'First', ['2']),
        writtenTask('2', 'Second', ['1', '77']),
        writtenTask('2', 'Second again'),
        writtenTask('3', 'Third', ['3']),
        writtenTask('4', ' '),
      ],
    },
    usage: { input: 100, output: 10 },
  };

  test('goes back once with every problem, and what comes then is stored', async () => {
    const rig = await rigWith(BAD, GOOD);
    expect(await rig.tool(['parse', 'prd.md'])).toMatchObject({ exitCode: 0 });
    const [, correction = ''] = rig.questions();
    for (const problem of ['used by more than one', 'in a cycle: 1 → 2 → 1', 'empty title'])
      expect(correction).toContain(problem);
    expect(rig.questions()).toHaveLength(2);
    expect(titles(rig)).toHaveLength(3);
    expect(booked(rig)).toEqual([
      { model: 'claude-opus-5-5', input: 100, output: 10, cacheRead: 0, cacheWrite: 0 },
      { model: 'claude-opus-5-5', input: 1_234, output: 567, cacheRead: 89, cacheWrite: 10 },
    ]);
  });

  test.each<[string, ReplyInput]>([
    ['a graph that is none', BAD],
    ['prose', { text: 'I would rather talk about it.' }],
    ['no task at all', { json: { tasks: [] } }],
  ])('%s, twice, stores nothing, says so, and is paid for', async (_, reply) => {
    const rig = await rigWith(reply);
    const end = await rig.tool(['parse', 'prd.md']);
    expect(end).toMatchObject({ exitCode: 1, stdout: '' });
    expect(end.stderr).toMatch(/cannot be used, also after one correction/);
    expect(end.stderr).toMatch(/It cost \$/);
    expect(titles(rig)).toEqual([]);
    expect(booked(rig)).toHaveLength(2);
  });
});

describe('a manager that cannot be asked', () => {
  test.each<[string, ReplyInput, number, RegExp]>([
    ['a refused key', { fault: { kind: 'http', status: 401 } }, 5, /key/i],
    ['a usage limit', { fault: { kind: 'http', status: 429, retryAfter: 3600 } }, 3, /limit/i],
    ['an overloaded API', { fault: { kind: 'http', status: 529 } }, 1, /529|overloaded/i],
    [
      'a broken stream',
      { ...GOOD, fault: { kind: 'reset', at: 'mid-stream' } },
      1,
      /connection|reset|terminated/i,
    ],
  ])('%s has its exit code and stores nothing', async (_, reply, exitCode, message) => {
    const rig = await rigWith(reply);
    const end = await rig.tool(['parse', 'prd.md']);
    expect(end).toMatchObject({ exitCode, stdout: '' });
    expect(end.stderr).toMatch(message);
    expect(end.stderr).not.toMatch(/\n {4}at /);
    expect(titles(rig)).toEqual([]);
  });

  test('without key and Claude CLI, both ways out are told; --json tells it on stdout', async () => {
    const rig = await rigWith(GOOD);
    const env = { ANTHROPIC_API_KEY: '' };
    const end = await rig.tool(['parse', 'prd.md'], { env });
    expect(end.exitCode).toBe(2);
    expect(end.stderr).toMatch(/npm install -g @anthropic-ai\/claude-code.*ANTHROPIC_API_KEY/s);
    const json = await rig.tool(['parse', 'prd.md', '--json'], { env });
    expect(JSON.parse(json.stdout)).toMatchObject({ error: { reason: 'cli-missing' } });
    expect(rig.simulator.requests).toEqual([]);
  });
});

describe('what cannot be read', () => {
  test.each<[string, Uint8Array, RegExp]>([
    ['an empty file', Buffer.from(''), /empty/],
    ['white space', Buffer.from(' \n\t\n'), /empty/],
    ['a binary file', Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 0, 1]), /zero byte at offset 4/],
    ['invalid UTF-8', Buffer.from([0x61, 0xff, 0xfe, 0x62]), /UTF-8/],
    ['UTF-16', Buffer.from('\ufeffBuild it', 'utf16le'), /UTF-16/],
  ])('%s is refused before any call', async (_, content, message) => {
    const rig = await rigWith(GOOD);
    await writeFile(join(rig.directory, 'bad'), content);
    const end = await rig.tool(['parse', 'bad']);
    expect(end).toMatchObject({ exitCode: 2, stdout: '' });
    expect(end.stderr).toMatch(message);
    const piped = await rig.tool(['parse', '-'], { input: content });
    expect(piped.exitCode).toBe(2);
    expect(piped.stderr).toMatch(message);
    expect(rig.simulator.requests).toEqual([]);
  });

  test('nor what is no file: nothing there, a directory, an endless device, nothing named', async () => {
    const rig = await rigWith(GOOD);
    await mkdir(join(rig.directory, 'folder'));
    for (const [file, message] of [
      ['missing.md', /There is no file/],
      ['folder', /is a directory/],
      ['/dev/zero', /at most 200 KB/],
      ['prd.md/x', /There is no file/],
    ] as const) {
      const end = await rig.tool(['parse', file]);
      expect(end).toMatchObject({ exitCode: 2, stdout: '' });
      expect(end.stderr).toMatch(message);
    }
    expect(await rig.tool(['parse'])).toMatchObject({ exitCode: 2 });
    expect(await rig.tool(['parse', '-', '-'], { input: 'x' })).toMatchObject({ exitCode: 2 });
    expect(await rig.tool(['parse', 'prd.md', '--num-tasks', '0'])).toMatchObject({ exitCode: 2 });
    expect(rig.simulator.requests).toEqual([]);
  });
});

describe('an end in the middle of the call', () => {
  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s stores nothing and exits with %d', async (signal, exitCode) => {
    const rig = await rigWith({ ...GOOD, fault: { kind: 'no-headers' } });
    const tool = rig.start(['parse', 'prd.md']);
    await untilAsked(rig, tool);
    tool.process.kill(signal);
    const end = await tool.end;
    expect(end).toMatchObject({ exitCode, stdout: '' });
    expect(end.stderr).toContain('Interrupted. Nothing was stored.');
    expect(titles(rig)).toEqual([]);
  });

  test('kill -9 leaves a sound store without a single task', async () => {
    const rig = await rigWith({ ...GOOD, fault: { kind: 'silence' } }, GOOD);
    const tool = rig.start(['parse', 'prd.md']);
    await untilAsked(rig, tool);
    tool.process.kill('SIGKILL');
    await tool.end;
    expect(titles(rig)).toEqual([]);
    expect(await rig.tool(['parse', 'prd.md'])).toMatchObject({ exitCode: 0 });
    expect(titles(rig)).toHaveLength(3);
  });

  test('tasks that others add meanwhile are kept, and it is said', async () => {
    const rig = await rigWith({ ...GOOD, waitMs: 2_000 });
    const tool = rig.start(['parse', 'prd.md']);
    await untilAsked(rig, tool);
    expect(await rig.tool(['add', '--raw', 'Came in meanwhile'])).toMatchObject({ exitCode: 0 });
    const end = await tool.end;
    expect(end.exitCode).toBe(0);
    expect(titles(rig)).toEqual(expect.arrayContaining(['Came in meanwhile', 'Write the docs']));
    expect(rig.withStore((store) => store.tasks())).toHaveLength(4);
  });
});
