import fc from 'fast-check';
import { expect, it } from 'vitest';
import { CLAUDE_ORCHESTRATOR, TASK_MASTER } from '../../../src/cli/commands.ts';
import { runInProcess } from '../../rig/hand-made-cli.ts';
import { SAMPLE_TASKS, taskProject } from '../../rig/task-project.ts';
import { cases } from '../../rig/effort.ts';

/** The commands that work on stored tasks, and on what is kept of them: no model, no run. */
const COMMANDS = [...new Set([...CLAUDE_ORCHESTRATOR.commands, ...TASK_MASTER.commands])].filter(({ name }) =>
  [
    'list',
    'show',
    'next',
    'set-status',
    'edit',
    'delete',
    'depend',
    'add-dependency',
    'remove-dependency',
    'validate-dependencies',
    'logs',
    'diff',
    'retry',
    'cancel',
    'recover',
  ].includes(name),
);

const noise = fc.string({ unit: 'binary', maxLength: 12 });
const idLike = fc.oneof(
  fc.constantFrom(
    '1',
    '2',
    '3.1',
    '3.2',
    '5',
    '1,2',
    '1-3',
    '3.1-3.2',
    '#4',
    '99',
    '0',
    '-1',
    '1..3',
    '3.',
    '.1',
    '',
  ),
  fc
    .array(fc.constantFrom('0', '1', '3', '.', ',', '-', '#', ' ', 'a', '٣'), { maxLength: 8 })
    .map((parts) => parts.join('')),
);
const word = fc.constantFrom(
  'done',
  'pending',
  'blocked',
  'compleded',
  'add',
  'remove',
  'S',
  'high',
  '1h',
  'src/**',
);
const flag = fc.constantFrom(
  ...[
    '--id',
    '--status',
    '--json',
    '--force',
    '--ready',
    '--with-subtasks',
    '--depends-on',
    '--title',
    '--size',
  ],
  ...[
    '--estimate',
    '--touches',
    '--priority',
    '--quiet',
    '--verbose',
    '--no-color',
    '--tag',
    '--help',
    '--',
    '-i',
  ],
  ...[
    '--id=',
    '--status=done',
    '--id=1',
    '--stauts',
    '-x',
    '--title=',
    '--risk=low',
    '--no-json',
    '--json=1',
  ],
);
const argument = fc.oneof(
  { weight: 4, arbitrary: idLike },
  { weight: 3, arbitrary: word },
  { weight: 3, arbitrary: flag },
  { weight: 1, arbitrary: noise },
);

const sensible = fc.constantFrom(
  ['list', '--status', 'pending,blocked'],
  ['list', '--with-subtasks', '--ready'],
  ['show', '3', '5'],
  ['next'],
  ['set-status', '1,3.1', 'done'],
  ['set-status', '--id=2-5', '--status=deferred'],
  ['edit', '5', '--size', 'L', '--touches', 'src/**'],
  ['depend', 'add', '5', '1'],
  ['depend', 'remove', '5', '1'],
  ['delete', '5', '--force'],
  ['add-dependency', '--id=4', '--depends-on=1'],
  ['validate-dependencies'],
  ['retry', '1', '3'],
  ['cancel', '1,3.1'],
  ['logs', '1', '--raw'],
  ['diff', '3.1', '--stat'],
  ['recover', 'show', '1'],
);
const names = COMMANDS.map(({ name }) => name);
const commandLine = fc.oneof(
  fc
    .tuple(sensible, fc.nat(6), fc.nat(2), fc.array(argument, { maxLength: 2 }))
    .map(([args, at, removed, inserted]) => [
      ...args.slice(0, at),
      ...inserted,
      ...args.slice(at === 0 ? at : at + removed),
    ]),
  fc
    .tuple(
      fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...names) }, { weight: 1, arbitrary: noise }),
      fc.array(argument, { maxLength: 6 }),
    )
    .map(([name, args]) => [name, ...args]),
);

const CASES = cases(4000);

it('answers any arguments with a result or a clear error, never with a stack trace', async () => {
  const projects = [taskProject(SAMPLE_TASKS)];
  let succeeded = 0;
  try {
    await fc.assert(
      fc.asyncProperty(commandLine, async (args) => {
        const cwd = projects.at(-1)?.directory ?? '';
        const { exitCode, stdout, stderr } = await runInProcess(
          { ...CLAUDE_ORCHESTRATOR, commands: COMMANDS },
          args,
          { cwd },
        );
        expect([0, 1, 2]).toContain(exitCode);
        expect(stderr + stdout).not.toMatch(/^\s+at .*:\d+/m);
        expect(stderr).not.toContain('This is a bug');
        if (exitCode === 2) expect(stdout + stderr).not.toBe('');
        if (exitCode === 0) succeeded++;
        // What was deleted must not be missing in the cases that follow.
        if (args[0] === 'delete' && exitCode === 0) projects.push(taskProject(SAMPLE_TASKS));
      }),
      { numRuns: CASES },
    );
  } finally {
    for (const project of projects) project[Symbol.dispose]();
  }
  expect(succeeded).toBeGreaterThan(CASES * 0.12);
}, 240_000);
