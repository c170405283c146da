import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Attempt } from '../../../src/domain/attempt.ts';
import { storeAttempt, startSampleRun, type AttemptSample } from '../../rig/attempted.ts';
import { json, run } from '../../rig/hand-made-cli.ts';
import { SAMPLE_TASKS, taskProject, type TaskProject } from '../../rig/task-project.ts';
import { processes } from '../../rig/worker-rig.ts';

const KILLED = { pid: 1, startTime: 'never' };
const THIS = processes.identify(process.pid) ?? KILLED;
const SESSION = '0d9f5f0e-6c1f-4b55-9f0e-3d7a3f6b2a11';

function attempted(project: TaskProject, sample: Partial<AttemptSample>, by = KILLED): void {
  project.withStore((store) => {
    if (store.lastRun() === undefined) startSampleRun(store, 'run-1', by);
    storeAttempt(store, {
      taskId: '1',
      runId: 'run-1',
      directory: project.directory,
      filesRoot: join(project.directory, '.taskmaster', 'attempts'),
      ...sample,
    });
  });
}

function statuses(project: TaskProject): Record<string, string> {
  const tasks = project.withStore((store) => store.tasks());
  return Object.fromEntries(tasks.map(({ id, status }) => [id, status]));
}

describe('retry', () => {
  it('makes tasks pending again, and says how they go on', async () => {
    using project = taskProject(SAMPLE_TASKS);
    attempted(project, { end: { outcome: 'verify-failed' } });
    attempted(project, { taskId: '5', end: { outcome: 'refused' } });
    project.withStore((store) => store.setStatus(['4'], 'deferred', 'test'));
    const { exitCode, stdout } = await run(project, ['retry', '1,4', '5']);
    expect(exitCode).toBe(0);
    expect(stdout).toBe(`\
1  failed → pending: its session goes on where it stopped  Set up
4  deferred → pending: it has not been tried yet, after 2, 3.1, 3.2  A title that goes on and on and fits into no terminal of eighty columns
5  failed → pending: it starts in a new session  Aside
\`run\` starts what is pending.
`);
    expect(statuses(project)).toMatchObject({ 1: 'pending', 4: 'pending', 5: 'pending' });
  });

  it('tells the same in JSON, with the run that takes them up', async () => {
    using project = taskProject(SAMPLE_TASKS);
    attempted(project, { end: { outcome: 'timed-out' } }, THIS);
    expect(json(await run(project, ['retry', '1', '--json']))).toEqual({
      retried: [
        {
          id: '1',
          title: 'Set up',
          from: 'failed',
          to: 'pending',
          next: 'resume',
          sessionId: SESSION,
          waitingFor: [],
        },
      ],
      run: 'run-1',
    });
    expect((await run(project, ['retry', '1'])).stdout).toMatch(
      /^1 {2}pending already: .*\nRun run-1 works now, and starts what is pending\.\n$/,
    );
  });

  it('does done work again only with --force, and leaves what is done of a group', async () => {
    using project = taskProject(SAMPLE_TASKS);
    project.withStore((store) => {
      store.setStatus(['1', '3.1'], 'done', 'test');
      store.setStatus(['3.2'], 'cancelled', 'test');
    });
    expect(await run(project, ['retry', '5', '1'])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('Task 1 is done') as string,
    });
    expect((await run(project, ['retry', '3'])).exitCode).toBe(0);
    expect(statuses(project)).toMatchObject({ 1: 'done', 3: 'in-progress', 3.1: 'done', 3.2: 'pending' });
    expect((await run(project, ['retry', '1', '3', '--force'])).exitCode).toBe(0);
    expect(statuses(project)).toMatchObject({ 1: 'pending', 3: 'pending', 3.1: 'pending', 3.2: 'pending' });
  });

  it('refuses what is being worked on, all or none', async () => {
    using project = taskProject(SAMPLE_TASKS);
    attempted(project, {});
    project.withStore((store) => store.setStatus(['5'], 'deferred', 'test'));
    expect(await run(project, ['retry', '5', '1'])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('Task 1 has an attempt that has not ended.') as string,
    });
    expect(statuses(project)).toMatchObject({ 1: 'in-progress', 5: 'deferred' });
  });
});

describe('cancel', () => {
  it('gives tasks up, and names those that no longer wait', async () => {
    using project = taskProject(SAMPLE_TASKS);
    expect(await run(project, ['cancel', '1', '5'])).toEqual({
      exitCode: 0,
      stderr: '',
      stdout:
        '1  pending → cancelled  Set up\n    2 no longer waits for it.\n5  pending → cancelled  Aside\n',
    });
    expect(statuses(project)).toMatchObject({ 1: 'cancelled', 5: 'cancelled', 2: 'pending' });
    expect((await run(project, ['cancel', '5'])).stdout).toBe('5  cancelled already  Aside\n');
  });

  it('refuses done tasks, all or none, and leaves what is done of a group', async () => {
    using project = taskProject(SAMPLE_TASKS);
    project.withStore((store) => store.setStatus(['1', '3.1'], 'done', 'test'));
    expect(await run(project, ['cancel', '5', '1'])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('Task 1 is done: its change has landed') as string,
    });
    expect(statuses(project)['5']).toBe('pending');
    expect((await run(project, ['cancel', '3'])).exitCode).toBe(0);
    expect(statuses(project)).toMatchObject({ 3: 'done', 3.1: 'done', 3.2: 'cancelled' });
    expect(await run(project, ['cancel', '3'])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('Task 3.1 is done') as string,
    });
  });

  it('says what becomes of a worker whose run was killed, and where its work is', async () => {
    using project = taskProject(SAMPLE_TASKS);
    attempted(project, { branch: 'orchestrator/run-1/task-1', base: 'b'.repeat(40) });
    attempted(project, { taskId: '5' });
    expect((await run(project, ['cancel', '1,5'])).stdout).toBe(`\
1  in-progress → cancelled  Set up
    Its run was killed before. The next \`run\` ends what is left of its worker.
    What it did is kept: see it with \`diff 1\`, take it with \`recover restore 1 --branch NAME\`.
    2 no longer waits for it.
5  in-progress → cancelled  Aside
    Its run was killed before. The next \`run\` ends what is left of its worker.
    Whatever it changed is in ${project.directory}.
`);
  });

  it.each([
    ['ended', 'cancelled', { outcome: 'cancelled' }, 'pending'],
    ['ended', 'done', { outcome: 'landed', commit: 'c'.repeat(40) }, 'done'],
  ] as const)(
    'waits until the run that works has ended the worker: %s, and the task is %s',
    async (worker, to, end, status) => {
      using project = taskProject(SAMPLE_TASKS);
      attempted(project, {}, THIS);
      const cancelling = run(project, ['cancel', '1', '--json']);
      // What a run does when it sees the new status, as another process.
      for (;;) {
        const running = project.withStore((store): Attempt | undefined =>
          store.task('1')?.status === 'cancelled' ? store.attempts({ running: true })[0] : undefined,
        );
        if (running !== undefined) {
          const { attemptEnd } = await import('../../rig/attempt-end.ts');
          project.withStore((store) =>
            store.endAttempt(running.id, attemptEnd(end.outcome, end), status, 'test'),
          );
          break;
        }
        await new Promise((resolve) => setImmediate(resolve));
      }
      expect(json(await cancelling)).toMatchObject({
        cancelled: [
          { id: '1', from: 'in-progress', to, worker, work: to === 'done' ? null : { attempt: 1 } },
        ],
      });
    },
  );
});
