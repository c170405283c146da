import { describe, expect, it } from 'vitest';
import { displayWidth } from '../../../src/domain/text/display-text.ts';
import { json, run } from '../../rig/hand-made-cli.ts';
import { SAMPLE_TASKS, taskProject } from '../../rig/task-project.ts';

describe('list', () => {
  it.each([40, 80, 200])('fits into %i columns', async (columns) => {
    using project = taskProject(SAMPLE_TASKS);
    const { stdout } = await run(project, ['list', '--with-subtasks'], { columns });
    const lines = stdout.trimEnd().split('\n');
    expect(lines.slice(1, 8).map((line) => line.split(' ')[0])).toEqual([
      '1',
      '2',
      '3',
      '3.1',
      '3.2',
      '4',
      '5',
    ]);
    for (const line of lines) expect(displayWidth(line)).toBeLessThanOrEqual(columns);
    expect(stdout).not.toContain('\x1b');
    expect(lines.at(-1)).toBe('6 tasks: 2 ready, 4 blocked');
  });

  it('shows what is blocked by what, and only tasks at first', async () => {
    using project = taskProject(SAMPLE_TASKS);
    project.withStore((store) => store.setStatus(['1', '3.1'], 'done', 'test'));
    const { stdout } = await run(project, ['list'], { columns: 100 });
    expect(stdout).toMatch(/^1 +done +medium +3m +Set up$/m);
    expect(stdout).toMatch(/^2 +pending +medium +1 +データ/m);
    expect(stdout).toMatch(/^3 .*2\* +\[1\/2\] Compiler 👩‍👩‍👧‍👦 second line$/m);
    expect(stdout).toMatch(/^4 +blocked +medium +45m +2\*, 3\* /m);
    expect(stdout).not.toContain('Lexer');
  });

  it('filters by status, over subtasks too, and by readiness', async () => {
    using project = taskProject(SAMPLE_TASKS);
    const ids = async (...args: string[]): Promise<string[]> => {
      const { tasks } = json(await run(project, ['list', '--json', ...args])) as { tasks: { id: string }[] };
      return tasks.map(({ id }) => id);
    };
    project.withStore((store) => store.setStatus(['1', '3.1'], 'done', 'test'));
    expect(await ids('--status', 'done')).toEqual(['1', '3.1']);
    expect(await ids('blocked')).toEqual(['3.2', '4']);
    expect(await ids('--status=pending,done')).toEqual(['1', '2', '3.1', '3.2', '4', '5']);
    expect(await ids('--ready')).toEqual(['2', '5']);
    expect(await ids('--status', 'failed')).toEqual([]);
  });

  it('says what to do when there is nothing', async () => {
    using project = taskProject();
    expect(await run(project, ['list'])).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/There are no tasks yet\.\n.*parse prd\.md/) as string,
    });
    using full = taskProject(SAMPLE_TASKS);
    for (const command of ['list', 'next'])
      expect((await run(full, [command, '--tag', 'mastre'])).stdout).toContain(
        'There are no tasks yet in list "mastre"',
      );
    expect((await run(full, ['list', '--status', 'failed'])).stdout).toBe(
      'No task matches. There are 6 tasks: 2 ready, 4 blocked.\n',
    );
  });

  it('colours a terminal only', async () => {
    using project = taskProject(SAMPLE_TASKS);
    expect((await run(project, ['list'], { isTTY: true })).stdout).toContain('\x1b[1mID');
    expect((await run(project, ['list', '--no-color'], { isTTY: true })).stdout).not.toContain('\x1b');
    expect((await run(project, ['list'], { isTTY: true, env: { NO_COLOR: '1' } })).stdout).not.toContain(
      '\x1b',
    );
  });

  it('counts in JSON what it counts in words', async () => {
    using project = taskProject(SAMPLE_TASKS);
    project.withStore((store) => store.setStatus(['1'], 'cancelled', 'test'));
    const { tasks, counts } = json(await run(project, ['list', '--json'])) as {
      tasks: Record<string, unknown>[];
      counts: object;
    };
    expect(counts).toMatchObject({ total: 6, ready: 2, blocked: 3, pending: 5, cancelled: 1 });
    expect(tasks[1]).toMatchObject({ id: '2', ready: true, waitingFor: [], cancelledDependencies: ['1'] });
    expect(tasks[2]).toMatchObject({
      id: '3',
      ready: false,
      waitingFor: ['2'],
      subtasks: ['3.1', '3.2'],
      expectedMinutes: 16,
    });
  });
});

describe('show', () => {
  it('tells what a task is, what it needs and what needs it', async () => {
    using project = taskProject(SAMPLE_TASKS);
    const { stdout } = await run(project, ['show', '#3,5']);
    expect(stdout).toContain('3  Compiler 👩‍👩‍👧‍👦 second line\n');
    expect(stdout).toMatch(/Status +blocked, waits for 2\n/);
    expect(stdout).toMatch(/Needed by\n {2}4 {2}blocked {2}A title/);
    expect(stdout).toMatch(/Subtasks\n {2}3\.1 {2}blocked {2}Lexer\n {2}3\.2 {2}blocked {2}Parser\n/);
    expect(stdout).toContain('Details\n  one\n    two\n\n  three\n');
    expect(stdout).not.toContain('\x1b');
  });

  it('tells every attempt with its outcome, what to do, what it cost and where its traces are', async () => {
    using project = taskProject(SAMPLE_TASKS);
    project.withStore((store) => {
      store.startRun(
        {
          id: 'run-1',
          process: { pid: 1, startTime: 'then' },
          workers: 1,
          billing: 'subscription',
          tasks: 1,
        },
        () => false,
      );
      const claimed = store.claim({
        runId: 'run-1',
        taskId: '5',
        sessionId: '11111111-2222-4333-8444-555555555555',
        resumed: false,
        model: 'sonnet',
        directory: '/somewhere/tree',
        filesRoot: '/somewhere/attempts',
        why: 'it was next',
      });
      if (claimed === undefined) throw new Error('The task could not be claimed.');
      const usage = [
        { model: 'claude-sonnet-5', input: 1000, output: 200, cacheRead: 0, cacheWrite: 0, costUsd: 0.42 },
      ];
      store.endAttempt(
        claimed.attempt.id,
        {
          outcome: 'permission-denied',
          message: 'The worker may not run the tests.',
          usage,
          report: {
            status: 'blocked',
            summary: 'All but the tests.',
            handover: 'Run them.',
            followUps: ['Add CI.'],
          },
          denials: [{ tool: 'Bash', rule: 'Bash(npm test:*)' }],
          turns: 7,
          exitCode: 0,
          signal: null,
          resetsAt: null,
          outage: false,
          contextTokens: null,
          change: null,
          commit: null,
          gates: [],
          review: null,
        },
        'failed',
        'permission denied',
      );
    });
    const { stdout } = await run(project, ['show', '5']);
    expect(stdout).toMatch(
      /#1 {2}permission denied · sonnet · \w+ · 1\.2k tokens · \$0\.42 · 7 turns · exit code 0\n/,
    );
    for (const part of [
      'The worker may not run the tests.',
      'Bash(npm test:*)',
      'claude_cli.allowed_tools',
      'All but the tests.',
      'Add CI.',
      '11111111-2222-4333-8444-555555555555',
      '/somewhere/tree',
      '/somewhere/attempts',
      'run-1',
      'in-progress → failed (permission denied)',
    ])
      expect(stdout).toContain(part);

    const { tasks } = json(await run(project, ['show', '5', '--json'])) as {
      tasks: Record<string, unknown>[];
    };
    expect(tasks[0]).toMatchObject({
      task: { id: '5', status: 'failed', ready: true },
      parent: null,
      attempts: [{ number: 1, end: { outcome: 'permission-denied' } }],
      usage: [{ model: 'claude-sonnet-5', input: 1000, costUsd: 0.42 }],
    });
  });
});

describe('next', () => {
  it('names the task of the longest chain with its reason', async () => {
    using project = taskProject(SAMPLE_TASKS);
    const { stdout } = await run(project, ['next']);
    expect(stdout).toMatch(/^1 {2}Set up\nWhy: 72 min of work .*priority medium\.\nAlso ready: 5\.\n/);
    // `task-master next` says the same, and has no `run`.
    expect(stdout).toContain('`claude-orchestrator run 1`');
  });

  it('tells what all wait for, and when all is done', async () => {
    using project = taskProject(SAMPLE_TASKS);
    project.withStore((store) => store.setStatus(['1', '5'], 'deferred', 'test'));
    expect((await run(project, ['next'])).stdout).toMatch(
      /^Nothing can start now\. .*:\n {2}1 {2}Set up \(deferred, holds up 4 tasks\)\n {2}5 {2}Aside \(deferred\)\n/,
    );
    project.withStore((store) => store.setStatus(['1', '2', '3', '4', '5'], 'done', 'test'));
    expect((await run(project, ['next'])).stdout).toBe('Nothing is left to do. 6 tasks: 6 done.\n');
    expect(json(await run(project, ['next', '--json']))).toEqual({
      next: null,
      alsoReady: [],
      waitingFor: [],
      counts: expect.objectContaining({ total: 6, done: 6 }) as object,
    });
  });
});
