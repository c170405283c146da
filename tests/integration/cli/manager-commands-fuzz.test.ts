import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CLAUDE_ORCHESTRATOR } from '../../../src/cli/commands.ts';
import { readDocument } from '../../../src/app/planning/document.ts';
import { Failed } from '../../../src/domain/failure.ts';
import { startSimulator } from '../../../src/simulator/server.ts';
import { buildTaskGraph } from '../../../src/domain/task-graph.ts';
import { runInProcess, type CliEnd } from '../../rig/hand-made-cli.ts';
import { projectRig, writtenTask, type ProjectRig } from '../../rig/project.ts';
import { cases } from '../../rig/effort.ts';

/** Thousands of cases on a slow machine. */
const LONG_MS = 600_000;

let rig: ProjectRig;
beforeAll(async () => {
  rig = await projectRig({ rules: [] });
});
afterAll(() => rig.close());

/** Runs a command in this process; the manager is at `url`, or has no key. */
function run(argv: readonly string[], url?: string): Promise<CliEnd> {
  return runInProcess(CLAUDE_ORCHESTRATOR, argv, {
    cwd: rig.directory,
    env: {
      HOME: join(rig.directory, '..', 'home'),
      CLAUDE_ORCHESTRATOR__MODELS__MANAGER__VIA: 'api',
      CLAUDE_ORCHESTRATOR__EXECUTION__MAX_RETRIES: '0',
      ...(url === undefined ? {} : { ANTHROPIC_API_KEY: 'sk-ant-simulated-key', ANTHROPIC_BASE_URL: url }),
    },
  });
}

/** The tasks of all lists: `other` can be the name of one, and any word can be after `--tag`, or the text of a task. */
function countTasks(): number {
  const database = new BetterSqlite3(join(rig.directory, '.taskmaster', 'tasks.db'), { readonly: true });
  try {
    return database.prepare('SELECT count(*) FROM tasks').pluck().get() as number;
  } finally {
    database.close();
  }
}

function expectSaid(end: CliEnd, codes: readonly number[]): void {
  expect(codes, `${end.stdout}\n${end.stderr}`).toContain(end.exitCode);
  expect(end.stderr).not.toMatch(/\n\s+at .*:\d+:\d+/);
  if (end.exitCode !== 0) expect(`${end.stdout}${end.stderr}`).toMatch(/error/);
}

test(
  'any bytes are a document, or refused with a reason',
  async () => {
    const path = join(rig.directory, 'fuzz');
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.string({ unit: 'binary', maxLength: 300 }).map((text) => Buffer.from(text)),
      fc
        .constantFrom('', ' \n', '\ufeff', '\ufeffx', '\ufffe', '# Title\r\n')
        .map((text) => Buffer.from(text)),
    );
    const cli = { cwd: rig.directory } as Parameters<typeof readDocument>[0];
    await fc.assert(
      fc.asyncProperty(bytes, async (content) => {
        writeFileSync(path, content);
        const read = await readDocument(cli, {}, ['fuzz'], 'the requirements')
          .then(({ text }) => text)
          .catch((error: unknown) => error);
        if (typeof read === 'string') {
          expect(read).toBe(
            Buffer.from(content)
              .toString()
              .replace(/^\ufeff/, ''),
          );
          expect(read.trim()).not.toBe('');
        } else {
          expect(read).toBeInstanceOf(Failed);
          expect((read as Failed).failure.reason).toBe('file-unreadable');
        }
      }),
      { numRuns: cases(5_000) },
    );
  },
  LONG_MS,
);

test(
  'any command line is done, or refused with a reason, and stores nothing but what it says',
  async () => {
    writeFileSync(join(rig.directory, 'prd.md'), 'Build it.');
    const word = fc.oneof(
      fc.constantFrom(
        ...[
          '--num-tasks',
          '-n',
          '3',
          '0',
          '-1',
          '1e3',
          '--append',
          '--replace',
          '--dry-run',
          '--json',
          '--quiet',
        ],
        ...[
          '--force',
          '--research',
          '--prompt',
          '--id',
          '--id=2',
          '2',
          '99',
          '1,2',
          '--depends-on',
          '--depends-on=1',
          '--raw',
        ],
        ...[
          '--priority',
          'high',
          'urgent',
          'prd.md',
          'missing.md',
          '-',
          '--',
          '-d',
          '.',
          '--mermaid',
          '--no-manager',
        ],
        ...['--config', '--tag', 'other', '--help', '-V', '--no-color', '-v'],
      ),
      fc.string({ unit: 'binary', maxLength: 12 }).map((text) => text.replaceAll('\0', '')),
    );
    const name = fc.constantFrom('parse', 'add', 'expand', 'plan', 'status');
    await fc.assert(
      fc.asyncProperty(name, fc.array(word, { maxLength: 6 }), async (command, words) => {
        const before = countTasks();
        const end = await run([command, ...words]);
        expectSaid(end, [0, 2, 5]);
        expect(countTasks() - before, `${end.stdout}\n${end.stderr}`).toBe(
          /^Stored 1 task|"stored":true/.test(end.stdout) ? 1 : 0,
        );
      }),
      { numRuns: cases(1_000) },
    );
  },
  LONG_MS,
);

const COMMANDS = { parse: ['prd.md', '--append'], add: ['a wish'], expand: ['1'], plan: [] } as const;

/** A command with a reply to it that has the right form, mostly, and may make sense or not. */
function repliedCommands(): fc.Arbitrary<[keyof typeof COMMANDS, unknown]> {
  const id = fc.oneof(
    { weight: 9, arbitrary: fc.constantFrom('1', '2', '3', '4', '5', '1.1', '1.2') },
    { weight: 1, arbitrary: fc.constantFrom('01', 'x', '', '-1', '1e2', ' 5 ', '999999999', '9999999999') },
  );
  const title = fc.oneof(
    { weight: 9, arbitrary: fc.constantFrom('A', '\u001b[2J', '漢字') },
    { weight: 1, arbitrary: fc.constantFrom('', ' ', 'x'.repeat(300)) },
  );
  const fields = fc.record({ title, dependencies: fc.array(id, { maxLength: 2 }) });
  const batch = (prefix: string): fc.Arbitrary<unknown[]> => {
    const own = fc.oneof(
      { weight: 5, arbitrary: fc.integer({ min: 1, max: 50 }).map((n) => `${prefix}${n}`) },
      id,
    );
    const tasks = fc.uniqueArray(fc.tuple(own, fields), {
      selector: ([each]) => each,
      minLength: 1,
      maxLength: 3,
    });
    return tasks.map((all) => all.map(([each, rest]) => writtenTask(each, rest.title, rest.dependencies)));
  };
  const plan = { size: 'S', estimateMinutes: 3, touches: [], risk: 'low' };
  const forms: Record<keyof typeof COMMANDS, fc.Arbitrary<unknown>> = {
    parse: fc.record({ tasks: batch('') }),
    add: fields.map((rest) => ({ ...writtenTask('', rest.title, rest.dependencies), id: undefined })),
    expand: fc.record({ tasks: batch('1.'), sources: fc.constant([]) }),
    plan: fc.tuple(fields, fields).map((both) => ({
      tasks: both.map(({ dependencies }, index) => ({ ...plan, id: String(index + 1), dependencies })),
    })),
  };
  return fc
    .constantFrom('parse' as const, 'add' as const, 'expand' as const, 'plan' as const)
    .chain((command) => {
      const reply = fc.oneof(
        { weight: 4, arbitrary: forms[command] },
        { weight: 1, arbitrary: fc.jsonValue() },
      );
      return fc.tuple(fc.constant(command), reply);
    });
}

test(
  'whatever the manager replies is stored as a valid graph, or not at all',
  async () => {
    const ends = new Set<string>();
    await fc.assert(
      fc.asyncProperty(repliedCommands(), async ([command, json]) => {
        rig.withStore((store) => {
          const groups = store.tasks().filter(({ id }) => !id.includes('.'));
          store.deleteTasks(
            groups.map(({ id }) => id),
            { force: true },
          );
        });
        for (const title of ['One', 'Two']) await run(['add', '--raw', title]);
        const before = rig.withStore((store) => store.tasks());
        const simulator = await startSimulator({ rules: [{ reply: { json: json as object } }] });
        const end = await run([command, ...COMMANDS[command]], simulator.url).finally(() =>
          simulator.close(),
        );
        expectSaid(end, [0, 1]);
        const after = rig.withStore((store) => store.tasks());
        expect(buildTaskGraph(after).ok).toBe(true);
        if (end.exitCode !== 0) expect(after).toEqual(before);
        ends.add(`${command} ${end.exitCode}`);
      }),
      { numRuns: cases(200) },
    );
    // Both ways were taken, so that the law was tried on both; a plan that cannot be used is a warning.
    expect([...ends].sort()).toEqual([
      'add 0',
      'add 1',
      'expand 0',
      'expand 1',
      'parse 0',
      'parse 1',
      'plan 0',
    ]);
  },
  LONG_MS,
);
