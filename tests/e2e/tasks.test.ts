import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, it } from 'vitest';
import { runTool, toolEnvironment } from '../rig/cli.ts';
import { draft, SAMPLE_TASKS, taskProject } from '../rig/task-project.ts';

it('loses nothing when twenty processes set the status of twenty tasks at once', async () => {
  const ids = Array.from({ length: 20 }, (_, index) => String(index + 1));
  using project = taskProject(ids.map((id) => draft(id)));
  const ends = await Promise.all(
    ids.map((id) => runTool(['set-status', `--id=${id}`, '--status=done'], { cwd: project.directory })),
  );
  for (const { code, stderr } of ends) expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const statuses = project.withStore((store) => store.tasks().map(({ status }) => status));
  expect(statuses).toEqual(ids.map(() => 'done'));
});

it('takes a closed pipe for no error', async () => {
  using project = taskProject(Array.from({ length: 3000 }, (_, index) => draft(String(index + 1))));
  const child = spawn(
    '/bin/bash',
    [
      '-c',
      '"$0" "$1" list | head -1; echo "${PIPESTATUS[0]}"',
      process.execPath,
      resolve('bin/claude-orchestrator.js'),
    ],
    { cwd: project.directory, env: toolEnvironment({ cwd: project.directory }) },
  );
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  expect(stdout).toMatch(/^ID +STATUS .*\n0\n$/);
  expect(stderr).toBe('');
});

it('lists, shows, changes and deletes tasks as a user would', async () => {
  using project = taskProject(SAMPLE_TASKS);
  const tool = (...args: string[]) => runTool(args, { cwd: project.directory });
  expect((await tool('list', '--with-subtasks')).stdout).toMatch(/^3\.1 +blocked +medium +Lexer$/m);
  expect((await tool('next')).stdout).toMatch(/^1 {2}Set up\nWhy: /);
  expect(await tool('set-status', '1', 'done')).toMatchObject({
    code: 0,
    stdout: '1  pending → done  Set up\n',
  });
  expect((await tool('next')).stdout).toMatch(/^2 {2}/);
  expect(await tool('depend', 'add', '1', '4')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('1 → 4 → 2 → 1') as string,
  });
  expect((await tool('show', '1')).stdout).toContain('pending → done (set by a person)');
  expect((await tool('edit', '5', '--priority', 'high')).code).toBe(0);
  expect((await tool('delete', '5')).stdout).toBe('Deleted 1 task:\n  5  Aside\n');
  const { tasks } = JSON.parse((await tool('list', '--json')).stdout) as { tasks: { id: string }[] };
  expect(tasks.map(({ id }) => id)).toEqual(['1', '2', '3', '4']);
});

it('suggests what was probably meant', async () => {
  using project = taskProject(SAMPLE_TASKS);
  const tool = (...args: string[]) => runTool(args, { cwd: project.directory });
  const misspelt: [string[], RegExp][] = [
    [['lsit'], /Did you mean list\?/],
    [['list', '--with-subtask'], /Did you mean --with-subtasks\?/],
    [['set-status', '1', 'completed'], /Did you mean "done"\?/],
    [['depend', 'ad', '1', '2'], /Did you mean "add"\?/],
    [['completion', 'zhs'], /Did you mean "zsh"\?/],
    [['show', '77'], /no task 77 here.*\n.*list --with-subtasks/],
  ];
  for (const [args, expected] of misspelt) {
    const { code, stderr } = await tool(...args);
    expect({ args, code }).toEqual({ args, code: 2 });
    expect(stderr).toMatch(expected);
  }
});

it('answers to the spelling of Task Master', async () => {
  using project = taskProject(SAMPLE_TASKS);
  const taskMaster = (...args: string[]) => runTool(args, { cwd: project.directory, program: 'task-master' });
  expect(await taskMaster('set-status', '--id=1,3.1', '--status=done')).toMatchObject({ code: 0 });
  expect((await taskMaster('list', '--status=done')).stdout).toMatch(/^3\.1 +done/m);
  expect((await taskMaster('add-task', '--title=By hand', '--dependencies=1')).stdout).toBe('6  By hand\n');
  expect((await taskMaster('add-dependency', '--id=6', '--depends-on=2')).code).toBe(0);
  expect((await taskMaster('remove-dependency', '--id=6', '--depends-on=1')).code).toBe(0);
  expect((await taskMaster('validate-dependencies')).stdout).toContain('All dependencies are valid');
  expect((await taskMaster('show', '--id=6')).stdout).toMatch(/Depends on\n {2}2 /);
  expect((await taskMaster('next', '--help')).stdout).toContain('Examples:\n  task-master next\n');
  expect((await taskMaster('add-taks')).stderr).toContain('Did you mean add-task?');
});
