import { describe, expect, it } from 'vitest';
import { json, run } from '../../rig/hand-made-cli.ts';
import { taskProject } from '../../rig/task-project.ts';

const OWN = [
  ...['list', 'show', 'next', 'set-status', 'edit', 'delete', 'depend', 'completion'],
  ...['logs', 'diff', 'retry', 'cancel', 'recover'],
];

describe('every command', () => {
  it.each(OWN)('%s shows an example in its help', async (name) => {
    using project = taskProject();
    const end = await run(project, [name, '--help']);
    expect(end.exitCode).toBe(0);
    expect(end.stdout).toMatch(new RegExp(`Examples?:\\n  claude-orchestrator ${name}`));
  });

  it('says what to do where no project is', async () => {
    using project = taskProject();
    const end = await run(project, ['list', '-d', '..']);
    expect(end).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('init') as string });
  });

  it('prints a failure as JSON where JSON is asked for', async () => {
    using project = taskProject();
    expect(json(await run(project, ['show', '7', '--json']))).toEqual({
      error: {
        reason: 'task-not-found',
        message: 'There is no task 7 here.',
        fix: expect.any(String) as string,
      },
    });
  });
});
