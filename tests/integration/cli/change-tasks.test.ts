import { describe, expect, it } from 'vitest';
import { json, run, taskMaster } from '../../rig/hand-made-cli.ts';
import { SAMPLE_TASKS, taskProject } from '../../rig/task-project.ts';

describe('set-status', () => {
  it.each([
    [['set-status', '1', '5', 'done']],
    [['set-status', '1,5', 'DONE']],
    [['set-status', '--id=1,5', '--status=done']],
    [['set-status', '--id', '1,#5', 'done']],
    [['set-status', '1', '5', '-s', 'done']],
  ])('understands %j', async (args) => {
    using project = taskProject(SAMPLE_TASKS);
    expect(await run(project, args)).toMatchObject({
      exitCode: 0,
      stdout: '1  pending → done  Set up\n5  pending → done  Aside\n',
    });
    expect(project.withStore((store) => store.task('5')?.status)).toBe('done');
  });

  it('sets all or none', async () => {
    using project = taskProject(SAMPLE_TASKS);
    const { exitCode, stderr } = await run(project, ['set-status', '1,99,5,98', 'done']);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('There are no tasks 99, 98 here.');
    expect(stderr).toContain('list --with-subtasks');
    expect(project.withStore((store) => store.tasks().map(({ status }) => status))).not.toContain('done');
  });

  it('takes ranges for the tasks in them, and hands a group down', async () => {
    using project = taskProject(SAMPLE_TASKS);
    const { changed } = json(await run(project, ['set-status', '3-9', 'done', '--json'])) as {
      changed: { id: string; to: string }[];
    };
    expect(changed).toEqual([
      { id: '3', title: SAMPLE_TASKS[2]?.title, from: 'pending', to: 'done' },
      expect.objectContaining({ id: '4' }),
      expect.objectContaining({ id: '5' }),
    ]);
    expect(project.withStore((store) => store.task('3.2')?.status)).toBe('done');
  });

  it('tells when a group keeps the status of its subtasks', async () => {
    using project = taskProject(SAMPLE_TASKS);
    expect((await run(project, ['set-status', '3', 'in-progress'])).stdout).toMatch(
      /^3 {2}stays pending, as its subtasks say {2}Compiler/,
    );
  });
});

describe('edit', () => {
  it('changes what is given, in the store and in JSON', async () => {
    using project = taskProject(SAMPLE_TASKS);
    const args = [
      'edit',
      '3.1',
      '--title',
      'Scanner',
      '--estimate',
      '1h30m',
      '--touches',
      'src/**',
      '--json',
    ];
    expect(json(await run(project, args))).toMatchObject({
      task: { id: '3.1', title: 'Scanner', estimateMinutes: 90, touches: ['src/**'], priority: 'medium' },
    });
    expect(project.withStore((store) => store.task('3.1'))).toMatchObject({
      title: 'Scanner',
      description: 'What task 3.1 is about.',
    });
  });

  it('refuses to do nothing', async () => {
    using project = taskProject(SAMPLE_TASKS);
    expect(await run(project, ['edit', '3'])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('no editor is opened') as string,
    });
  });
});

describe('delete', () => {
  it('says who needs a task, and deletes it only with --force', async () => {
    using project = taskProject(SAMPLE_TASKS);
    const refused = await run(project, ['delete', '2']);
    expect(refused.exitCode).toBe(2);
    expect(refused.stderr).toContain('Task 2 is needed by 3, 4.');
    expect(json(await run(project, ['delete', '2', '5', '--force', '--json']))).toMatchObject({
      deleted: ['2', '5'],
    });
    expect(project.withStore((store) => store.task('4')?.dependencies)).toEqual(['3']);
  });

  it('takes the subtasks along', async () => {
    using project = taskProject(SAMPLE_TASKS);
    expect((await run(project, ['delete', '3-4'])).stdout).toMatch(
      /^Deleted 4 tasks:\n {2}3 .*\n {2}3\.1 {2}Lexer\n/,
    );
  });
});

describe('depend', () => {
  it('adds and removes, and tells what was so already', async () => {
    using project = taskProject(SAMPLE_TASKS);
    expect((await run(project, ['depend', 'add', '5', '1', '2,3'])).stdout).toBe(
      '5 now depends on 1, 2, 3\n',
    );
    expect((await run(project, ['depend', 'add', '5', '3', '4'])).stdout).toBe(
      '5 now depends on 4\n5 depended on 3 already\n',
    );
    expect(json(await run(project, ['depend', 'remove', '5', '1-4', '--json']))).toEqual({
      action: 'remove',
      id: '5',
      changed: ['1', '2', '3', '4'],
      unchanged: [],
    });
  });

  it('refuses a cycle with the cycle in order, and keeps none of the others', async () => {
    using project = taskProject(SAMPLE_TASKS);
    const { exitCode, stderr } = await run(project, ['depend', 'add', '1', '5', '4']);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(
      '1 cannot depend on 5, 4. Tasks wait for each other in a cycle: 1 → 4 → 2 → 1 (each needs the next).',
    );
    expect(project.withStore((store) => store.task('1')?.dependencies)).toEqual([]);
    expect((await run(project, ['depend', 'add', '1', '1'])).stderr).toContain('cannot depend on itself');
  });
});

describe('task-master', () => {
  it('adds a task by hand, without a model', async () => {
    using project = taskProject(SAMPLE_TASKS);
    const args = [
      'add-task',
      '--title',
      'By hand',
      '--dependencies',
      '1,3.2',
      '--priority',
      'high',
      '--json',
    ];
    expect(json(await taskMaster(project, args))).toMatchObject({
      stored: true,
      task: { id: '6', title: 'By hand', dependencies: ['1', '3.2'], priority: 'high' },
    });
    expect(await taskMaster(project, ['add-task'])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('Either --prompt or --title') as string,
    });
  });

  it('adds, removes and validates dependencies', async () => {
    using project = taskProject(SAMPLE_TASKS);
    await taskMaster(project, ['add-dependency', '--id=5', '--depends-on=1']);
    expect((await taskMaster(project, ['validate-dependencies'])).stdout).toBe(
      'All dependencies are valid (7 tasks, 6 dependencies).\n',
    );
    expect(await taskMaster(project, ['add-dependency', '--id=1', '--depends-on=5'])).toMatchObject({
      exitCode: 2,
    });
    expect((await taskMaster(project, ['remove-dependency', '--id=5', '--depends-on=1'])).stdout).toBe(
      '5 no longer depends on 1\n',
    );
  });

  it('refuses to parse without exactly one file, and tells what is wrong with it before anything of the tasks', async () => {
    using project = taskProject(SAMPLE_TASKS);
    expect(await taskMaster(project, ['parse-prd'])).toMatchObject({ exitCode: 2 });
    expect(await taskMaster(project, ['parse-prd', '--input=a.md', 'b.md'])).toMatchObject({ exitCode: 2 });
    expect(await taskMaster(project, ['parse-prd', '--input=a.md', '-n', '0'])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('There is no file') as string,
    });
  });
});
