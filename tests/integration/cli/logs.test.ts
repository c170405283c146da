import { appendFileSync, rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { json, run } from '../../rig/hand-made-cli.ts';
import { storeAttempt, startSampleRun, transcriptText, type AttemptSample } from '../../rig/attempted.ts';
import { SAMPLE_TASKS, taskProject, type TaskProject } from '../../rig/task-project.ts';
import { lines } from '../../rig/worker-rig.ts';

const RUN = 'run-1';
const GONE = { pid: 1, startTime: 'never' };

const call = (id: string, name: string, input: object): object => ({
  type: 'assistant',
  message: { id: 'm', content: [{ type: 'tool_use', id, name, input }] },
});
const answer = (id: string, content: unknown, isError = false): object => ({
  type: 'user',
  message: {
    role: 'user',
    content: [{ type: 'tool_result', tool_use_id: id, content, ...(isError ? { is_error: true } : {}) }],
  },
});

/** Stores an attempt of task 1; gives the path of its transcript. */
function attempted(project: TaskProject, sample: Partial<AttemptSample> = {}): string {
  const filesRoot = join(project.directory, '.taskmaster', 'attempts');
  return project.withStore((store) => {
    if (store.lastRun() === undefined) startSampleRun(store, RUN, GONE);
    const id = storeAttempt(store, {
      taskId: '1',
      runId: RUN,
      directory: project.directory,
      filesRoot,
      ...sample,
    });
    return join(filesRoot, String(id), 'transcript.ndjson');
  });
}

describe('logs', () => {
  it('tells text, tools, results, retries, the report, and what came of it', async () => {
    using project = taskProject(SAMPLE_TASKS);
    attempted(project, {
      transcript: [
        lines.init,
        lines.text('I look at the tests first.'),
        call('t1', 'Bash', { command: 'npm test', description: 'Run the tests' }),
        answer('t1', 'all\ngreen'),
        call('t2', 'Edit', {
          file_path: `${project.directory}/src/a.ts`,
          old_string: 'a\nb',
          new_string: 'c',
        }),
        answer('t2', [{ type: 'text', text: 'String to replace not found' }, { type: 'image' }], true),
        {
          type: 'system',
          subtype: 'api_retry',
          attempt: 1,
          max_retries: 10,
          error_status: 529,
          error: 'overloaded',
        },
        'npm warn: something that is no JSON',
        lines.result(),
      ],
      end: {
        outcome: 'review-rejected',
        message: 'The review found 1 blocker.',
        gates: [
          { command: 'npm test', verdict: 'passed' },
          { command: 'npm run lint', verdict: 'red-before' },
        ],
        review: {
          round: 2,
          verdict: 'rejected',
          summary: 'Not yet.',
          commit: null,
          findings: [
            {
              id: 'F1',
              severity: 'blocker',
              file: 'src/a.ts',
              line: 12,
              title: 'It divides by zero',
              evidence: 'mean([]) is NaN',
            },
          ],
        },
      },
    });
    const { exitCode, stdout } = await run(project, ['logs', '1']);
    expect(exitCode).toBe(0);
    expect(stdout.replaceAll(/\d{4}-\d\d-\d\dT\S+Z/g, 'NOW').replaceAll(project.directory, 'DIR')).toBe(`\
Task 1  Set up
attempt 1 · sonnet · since NOW · test
session 0d9f5f0e-6c1f-4b55-9f0e-3d7a3f6b2a11
in DIR

I look at the tests first.
● Bash npm test description="Run the tests"
  ⎿ all
    green
● Edit src/a.ts old_string="a\\nb" new_string="c"
  ⎿ String to replace not found
    [image]
… waiting for the API (529, try 1 of 10)
# npm warn: something that is no JSON

Report: completed
  summary   Did it.
  handover  hello.txt

  sign      Edit src/a.ts failed: String to replace not found
  sign      waiting for the API (529, try 1 of 10)

review rejected · sonnet · 0s · 0 tokens · $0.00
  why       The review found 1 blocker.
  advice    Read the findings with \`show\`, then \`run\` again.
  verify    \`npm test\` passed, \`npm run lint\` fails without the change too
  review    rejected in round 2 (Not yet)
  finding   F1 blocker src/a.ts:12: It divides by zero (mean([]) is NaN)
  then      NOW  in-progress → failed (test)
`);
  });

  it('keeps the failing lines of a long result, and everything with --verbose', async () => {
    using project = taskProject(SAMPLE_TASKS);
    const output = Array.from({ length: 500 }, (_, index) => `ok ${index}`);
    output[300] = 'not ok 300 - adds';
    attempted(project, {
      transcript: [call('t', 'Bash', {}), answer('t', output.join('\n'), true)],
      end: {},
    });
    const short = (await run(project, ['logs', '1'])).stdout;
    expect(short).toContain('not ok 300 - adds\n    ok 301\n');
    expect(short).toMatch(/… \d+ lines left out/);
    expect(short.split('\n').length).toBeLessThan(60);
    const whole = (await run(project, ['logs', '1', '--verbose'])).stdout;
    for (const line of output) expect(whole).toContain(`    ${line}\n`.replace(/^ {4}(?=ok 0\n)/, ''));
  });

  it('lets nothing from outside move the cursor, colour or hide text', async () => {
    using project = taskProject(SAMPLE_TASKS);
    const hostile = '\x1b[2J\x1b[31mred\x1b]0;owned\x07\r\b\x9b1A\u202eend';
    attempted(project, {
      transcript: [
        lines.text(hostile),
        call('t', hostile, { command: hostile, [hostile]: hostile }),
        answer('t', hostile),
        hostile,
        lines.result({ is_error: true, result: hostile, structured_output: undefined }),
      ],
      end: { message: hostile, denials: [{ tool: hostile, rule: hostile }] },
    });
    for (const args of [
      ['logs', '1'],
      ['logs', '1', '--verbose'],
      ['logs', '1', '--raw'],
    ]) {
      const { stdout } = await run(project, args, { isTTY: true, env: { NO_COLOR: '1' } });
      expect(stdout).toContain('red');
      expect(stdout).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]/);
    }
  });

  it('gives the transcript byte by byte with --raw, cut or broken as it may be', async () => {
    using project = taskProject(SAMPLE_TASKS);
    const transcript = attempted(project, { transcript: [lines.init, 'noise \x1b[2J'], end: {} });
    appendFileSync(transcript, '{"type":"assis');
    const { stdout } = await run(project, ['logs', '1', '--raw']);
    expect(stdout).toBe(`${transcriptText([lines.init, 'noise \x1b[2J'])}{"type":"assis`);
  });

  it('prints one JSON object a line with --json, results whole', async () => {
    using project = taskProject(SAMPLE_TASKS);
    const long = 'x\n'.repeat(1000);
    attempted(project, {
      transcript: [
        lines.init,
        lines.text('Hello'),
        call('t', 'Read', { file_path: 'a' }),
        answer('t', long),
        lines.result(),
      ],
      end: { outcome: 'landed', commit: 'c'.repeat(40) },
      status: 'done',
    });
    const { stdout } = await run(project, ['logs', '1', '--json']);
    const entries = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(entries.map(({ type }) => type)).toEqual(['attempt', 'text', 'tool', 'result', 'report', 'end']);
    expect(entries[0]).toMatchObject({ taskId: '1', number: 1, runId: RUN });
    expect(entries[3]).toMatchObject({ id: 't', name: 'Read', failed: false, text: long });
    expect(entries.at(-1)).toMatchObject({ end: { outcome: 'landed' } });
  });

  it('shows a report that was given, but not taken any more', async () => {
    using project = taskProject(SAMPLE_TASKS);
    const report = { status: 'completed', summary: 'Half of it.', handover: '', followUps: ['The rest'] };
    attempted(project, { transcript: [call('t', 'StructuredOutput', report)], end: { outcome: 'crashed' } });
    const { stdout } = await run(project, ['logs', '1']);
    expect(stdout).toContain('Report: completed\n  summary   Half of it.\n  follow-up The rest\n');
  });

  it('shows the newest attempt, or the one that is asked for', async () => {
    using project = taskProject(SAMPLE_TASKS);
    attempted(project, { transcript: [lines.text('First try')], end: {} });
    attempted(project, { transcript: [lines.text('Second try')], end: {} });
    expect((await run(project, ['logs', '1'])).stdout).toContain('Second try');
    expect((await run(project, ['logs', '1', '--attempt', '1'])).stdout).toContain('First try');
    expect(await run(project, ['logs', '1', '-a', '7'])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('It has numbers 1, 2.') as string,
    });
  });

  it('says where a missing transcript should be', async () => {
    using project = taskProject(SAMPLE_TASKS);
    const transcript = attempted(project, { end: { outcome: 'infrastructure', message: 'No disk.' } });
    const { exitCode, stdout } = await run(project, ['logs', '1']);
    expect(exitCode).toBe(0);
    expect(stdout).toContain(transcript);
    expect(stdout).toContain('No disk.');
    expect(await run(project, ['logs', '1', '--raw'])).toMatchObject({
      exitCode: 2,
      stdout: '',
      stderr: expect.stringContaining(transcript) as string,
    });
  });

  it.each([
    ['5', 'Task 5 has not been worked on yet: it is pending.'],
    ['3', 'Task 3 is worked on by its subtasks: 3.1, 3.2.'],
  ])('says why there is nothing of task %s', async (id, why) => {
    using project = taskProject(SAMPLE_TASKS);
    expect(await run(project, ['logs', id])).toEqual({ exitCode: 0, stdout: '', stderr: `${why}\n` });
    expect(json(await run(project, ['logs', id, '--json']))).toEqual({ type: 'note', text: why });
  });

  it('refuses what is no task', async () => {
    using project = taskProject(SAMPLE_TASKS);
    expect((await run(project, ['logs', '99'])).exitCode).toBe(2);
    expect((await run(project, ['logs', 'x'])).exitCode).toBe(2);
    expect((await run(project, ['logs'])).exitCode).toBe(2);
  });

  it('follows to what there is where nobody works on it any more', async () => {
    using project = taskProject(SAMPLE_TASKS);
    const transcript = attempted(project, { transcript: [lines.text('Cut short')] });
    expect((await run(project, ['logs', '1', '-f'])).stdout).toMatch(
      /Cut short\n\nIts workspace is being prepared\.\n$/,
    );
    truncateSync(transcript);
    rmSync(transcript);
    expect((await run(project, ['logs', '1', '-f'])).stdout).toContain('Claude was not started yet');
  });
});
