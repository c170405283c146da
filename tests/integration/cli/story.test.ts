import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { attemptEnd } from '../../rig/attempt-end.ts';
import { transcriptText } from '../../rig/attempted.ts';
import { json, run } from '../../rig/hand-made-cli.ts';
import { draft, taskProject, type TaskProject } from '../../rig/task-project.ts';
import { lines } from '../../rig/worker-rig.ts';

const RUN = 'run-1';
const SECRET = 'sk-ant-api03-abcdefghijklmnopqrstuvwx';
const PASSWORD = 'correct-horse-battery-staple';

const call = (id: string, name: string, input: object): object => ({
  type: 'assistant',
  message: { id: 'm', content: [{ type: 'tool_use', id, name, input }] },
});
const answer = (id: string, content: string, isError = false): object => ({
  type: 'user',
  message: { role: 'user', content: [{ type: 'tool_result', tool_use_id: id, content, is_error: isError }] },
});

/** A task that fails at a gate, meets a limit in its second attempt, and is given up in a copy of its first session. */
function failedTask(project: TaskProject): void {
  project.withStore((store) => {
    store.startRun(
      { id: RUN, process: { pid: 1, startTime: 'never' }, workers: 1, billing: '', tasks: 1 },
      () => false,
    );
    const attempt = (
      session: { sessionId: string; resumed?: boolean; forkedFrom?: string },
      why: string,
      transcript: readonly object[],
    ): number => {
      const claimed = store.claim({
        runId: RUN,
        taskId: '1',
        resumed: false,
        model: 'sonnet',
        directory: project.directory,
        filesRoot: join(project.directory, '.taskmaster', 'attempts'),
        why,
        ...session,
      });
      if (claimed === undefined) throw new Error('Task 1 cannot be claimed.');
      mkdirSync(claimed.attempt.files, { recursive: true });
      writeFileSync(join(claimed.attempt.files, 'transcript.ndjson'), transcriptText(transcript));
      return claimed.attempt.id;
    };
    const first = attempt({ sessionId: 'session-a' }, 'nothing else is ready', [
      lines.init,
      call('t1', 'Bash', { command: `curl -H "x-api-key: ${SECRET}" https://example.com` }),
      answer('t1', `curl: (6) could not resolve host\nerror: with ${PASSWORD}`, true),
      call('t2', 'Bash', { command: 'npm test' }),
      answer('t2', 'ok 1\nnot ok 2 - adds numbers\nok 3', true),
    ]);
    store.endAttempt(
      first,
      attemptEnd('verify-failed', {
        message: `\`npm test\` failed (exit code 1):\nok 1\nnot ok 2 - adds numbers\n  with ${PASSWORD}`,
        gates: [{ command: 'npm test', verdict: 'failed' }],
      }),
      'pending',
      '',
    );
    store.record({
      type: 'retry-scheduled',
      taskId: '1',
      number: 2,
      delayMs: 3000,
      why: 'verify-failed: `npm test` failed',
    });
    const second = attempt({ sessionId: 'session-a', resumed: true }, 'tried again', []);
    untilLater();
    store.record({
      type: 'run-paused',
      runId: RUN,
      reason: 'usage-limit',
      until: '2026-11-22T05:00:00.000Z',
      message: 'The five-hour limit is reached.',
    });
    untilLater();
    const limited = 'The usage limit is reached.';
    store.endAttempt(second, attemptEnd('usage-limited', { message: limited }), 'pending', limited);
    untilLater();
    store.record({ type: 'run-resumed', runId: RUN, reason: 'usage-limit' });
    untilLater();
    const third = attempt(
      { sessionId: 'session-b', resumed: true, forkedFrom: 'session-a' },
      'goes on after the pause',
      [
        {
          type: 'system',
          subtype: 'api_retry',
          attempt: 1,
          max_retries: 10,
          error_status: 529,
          error: 'overloaded',
        },
        {
          type: 'system',
          subtype: 'api_retry',
          attempt: 2,
          max_retries: 10,
          error_status: 529,
          error: 'overloaded',
        },
      ],
    );
    store.endAttempt(
      third,
      attemptEnd('crashed', { message: 'Claude ended without a result.' }),
      'failed',
      'The same failure three times in a row.',
    );
    store.endRun(RUN, 'completed-with-failures', '');
  });
}

/** So that what comes next has a later time; no longer than a millisecond. */
function untilLater(): void {
  for (const now = Date.now(); Date.now() === now;);
}

const timeless = (text: string, { directory }: TaskProject): string =>
  text.replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'NOW').replaceAll(directory, 'DIR');

describe('the story of a failure', () => {
  it('is told by show from the first sign to what was decided', async () => {
    using project = taskProject([draft('1')]);
    failedTask(project);
    const { stdout } = await run(project, ['show', '1'], { env: { DB_PASSWORD: PASSWORD } });
    const attempts = timeless(stdout, project);
    expect(attempts.slice(attempts.indexOf('Attempts'), attempts.indexOf('\n\nHistory')))
      .toMatchInlineSnapshot(`
      "Attempts
        #1  verify failed · sonnet · 0s · 0 tokens · $0.00
            began     NOW  nothing else is ready
            session   session-a
            sign      Bash curl -H "x-api-key: sk-ant-…uvwx" https://example.com failed: curl: (6) could not resolve host (first of 2)
            why       \`npm test\` failed (exit code 1):
                      ok 1
                      not ok 2 - adds numbers
                        with …aple
            advice    Look at its change with \`diff\`, then \`run\` again.
            verify    \`npm test\` failed
            then      NOW  attempt 2 follows in 3s (verify-failed: \`npm test\` failed)
            run       run-1
            worked in DIR
            files     DIR/.taskmaster/attempts/1
        #2  usage limited (costs no attempt) · sonnet · 0s · 0 tokens · $0.00
            began     NOW  tried again
            session   session-a, resumed: that of attempt 1
            meanwhile NOW  run paused (usage-limit) until NOW (The five-hour limit is reached)
            why       The usage limit is reached.
            advice    Nothing: it costs the task no attempt, and its session continues after the reset. If the run has ended, \`run\` again then.
            then      NOW  run resumed (usage-limit)
            run       run-1
            worked in DIR
            files     DIR/.taskmaster/attempts/2
        #3  crashed · sonnet · 0s · 0 tokens · $0.00
            began     NOW  goes on after the pause
            session   session-b, a copy of that of attempt 2 (session-a)
            sign      waiting for the API (529, try 1 of 10) (first of 2)
            why       Claude ended without a result.
            advice    Read the end of its transcript with \`logs\`.
            then      NOW  in-progress → failed (The same failure three times in a row)
            run       run-1
            worked in DIR
            files     DIR/.taskmaster/attempts/3"
    `);
    expect(timeless(stdout, project).slice(attempts.indexOf('History'))).toMatchInlineSnapshot(`
      "History
        … 4 earlier (all with --verbose)
        NOW  in-progress → pending
        NOW  attempt 2 follows in 3s (verify-failed: \`npm test\` failed)
        NOW  attempt 2 started in its earlier session (tried again)
        NOW  pending → in-progress (tried again)
        NOW  run paused (usage-limit) until NOW (The five-hour limit is reached)
        NOW  attempt ended: usage limited (The usage limit is reached)
        NOW  in-progress → pending (The usage limit is reached)
        NOW  run resumed (usage-limit)
        NOW  attempt 3 started in its earlier session (goes on after the pause)
        NOW  pending → in-progress (goes on after the pause)
        NOW  attempt ended: crashed (Claude ended without a result)
        NOW  in-progress → failed (The same failure three times in a row)
      "
    `);
  });

  it('is told by logs around the transcript of an attempt', async () => {
    using project = taskProject([draft('1')]);
    failedTask(project);
    const second = await run(project, ['logs', '1', '--attempt', '2']);
    expect(timeless(second.stdout, project)).toMatchInlineSnapshot(`
      "Task 1  Task 1
      attempt 2 · sonnet · since NOW · tried again
      session session-a, resumed: that of attempt 1
      in DIR
        meanwhile NOW  run paused (usage-limit) until NOW (The five-hour limit is reached)

      usage limited (costs no attempt) · sonnet · 0s · 0 tokens · $0.00
        why       The usage limit is reached.
        advice    Nothing: it costs the task no attempt, and its session continues after the reset. If the run has ended, \`run\` again then.
        then      NOW  run resumed (usage-limit)
      "
    `);
    const third = await run(project, ['logs', '1']);
    expect(timeless(third.stdout, project)).toMatchInlineSnapshot(`
      "Task 1  Task 1
      attempt 3 · sonnet · since NOW · goes on after the pause
      session session-b, a copy of that of attempt 2 (session-a)
      in DIR
      … waiting for the API (529, try 1 of 10)
      … waiting for the API (529, try 2 of 10)

        sign      waiting for the API (529, try 1 of 10) (first of 2)

      crashed · sonnet · 0s · 0 tokens · $0.00
        why       Claude ended without a result.
        advice    Read the end of its transcript with \`logs\`.
        then      NOW  in-progress → failed (The same failure three times in a row)
      "
    `);
  });

  it('is there for programs as well', async () => {
    using project = taskProject([draft('1')]);
    failedTask(project);
    const { tasks } = json(await run(project, ['show', '1', '--json'])) as {
      tasks: [
        {
          stories: { signs: string[]; session: string; afterwards: { type: string }[] }[];
          events: { type: string }[];
        },
      ];
    };
    expect(tasks[0].stories.map(({ signs }) => signs.length)).toEqual([1, 0, 1]);
    expect(tasks[0].stories[1]?.afterwards.map(({ type }) => type)).toEqual(['run-resumed']);
    const types = tasks[0].events.map(({ type }) => type);
    expect(types.indexOf('run-paused')).toBeLessThan(types.indexOf('run-resumed'));
    const { stdout } = await run(project, ['logs', '1', '--json']);
    expect(
      stdout
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { type: string }).type),
    ).toEqual(['attempt', 'retry', 'retry', 'signs', 'end', 'then']);
  });

  it('never shows a secret, of the environment or known by its shape, however it is asked for', async () => {
    using project = taskProject([draft('1')]);
    failedTask(project);
    writeFileSync(join(project.directory, '.env'), `DB_PASSWORD=${PASSWORD}\n`);
    for (const args of [
      ['show', '1'],
      ['show', '1', '--verbose'],
      ['show', '1', '--json'],
      ['logs', '1', '-a', '1'],
      ['logs', '1', '-a', '1', '--verbose'],
      ['logs', '1', '-a', '1', '--json'],
      ['logs', '1', '-a', '1', '--raw'],
    ])
      for (const isTTY of [false, true]) {
        const { stdout, exitCode } = await run(project, args, { isTTY, columns: 40 });
        expect(exitCode).toBe(0);
        expect(stdout.replace(/\s/g, '')).not.toContain(SECRET);
        expect(stdout.replace(/\s/g, '')).not.toContain(PASSWORD);
        expect(stdout).toContain('not ok 2');
      }
  });

  it('keeps every other byte of a transcript, and the JSON of those lines', async () => {
    using project = taskProject([draft('1')]);
    failedTask(project);
    const { stdout } = await run(project, ['logs', '1', '-a', '1', '--raw'], {
      env: { DB_PASSWORD: PASSWORD },
    });
    const parsed = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown);
    expect(parsed).toHaveLength(5);
    expect(JSON.stringify(parsed)).toContain('sk-ant-…uvwx');
  });
});
