import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Attempt, AttemptEnd } from '../../../src/domain/attempt.ts';
import {
  RUN_OUTCOMES,
  type Delivery,
  type PauseReason,
  type RunOutcome,
  type Stamped,
} from '../../../src/domain/event.ts';
import { OUTCOME_POLICY, OUTCOMES, type AttemptOutcome } from '../../../src/domain/outcome.ts';
import { displayWidth } from '../../../src/domain/text/display-text.ts';
import { formatSummary } from '../../../src/cli/summary-text.ts';
import { nextCommand } from '../../../src/domain/text/run-outcome.ts';
import { summarize, type SummarySource } from '../../../src/reporting/summarize.ts';
import type { RunSummary } from '../../../src/reporting/summary.ts';
import type { Run, UsageRecord } from '../../../src/store/store.ts';
import { makeTask } from '../../rig/arbitrary-tasks.ts';
import { attemptEnd, costing } from '../../rig/attempt-end.ts';
import { cases } from '../../rig/effort.ts';

const START = '2026-01-01T00:00:00.000Z';
const END = '2026-01-01T00:12:05.000Z';

function run(outcome: RunOutcome | null, overrides: Partial<Run> = {}): Run {
  return {
    id: 'run-1',
    process: { pid: 1, startTime: '1' },
    workers: 4,
    billing: 'workers: Claude subscription',
    startedAt: START,
    endedAt: outcome === null ? null : END,
    outcome,
    message: '',
    ...overrides,
  };
}

function attempt(
  id: number,
  taskId: string,
  end: AttemptEnd | null,
  overrides: Partial<Attempt> = {},
): Attempt {
  return {
    id,
    runId: 'run-1',
    taskId,
    number: 1,
    sessionId: 's',
    resumed: false,
    forkedFrom: null,
    maxCostUsd: null,
    model: 'sonnet',
    directory: '/home/me/project',
    files: `/home/me/project/.taskmaster/attempts/${id}`,
    process: null,
    branch: null,
    base: null,
    landing: null,
    phase: 'working',
    startedAt: START,
    endedAt: end === null ? null : '2026-01-01T00:01:30.000Z',
    end,
    ...overrides,
  };
}

function delivered(delivery: Delivery): Stamped {
  return { type: 'run-delivered', runId: 'run-1', delivery, at: END };
}

function usage(role: 'manager' | 'worker', model: string, costUsd: number): UsageRecord {
  const tokens = { input: 1000, output: 200, cacheRead: 50_000, cacheWrite: 0 };
  return { role, model, costUsd, ...tokens, runId: 'run-1', attemptId: null, at: START };
}

function summary(source: Partial<SummarySource> = {}): RunSummary {
  return summarize({
    run: run('completed'),
    attempts: [],
    tasks: [],
    usage: [],
    events: [],
    now: Date.parse(END),
    ...source,
  });
}

const text = (summarized: RunSummary, columns = 100): string =>
  formatSummary(summarized, { columns, color: false });

/** Two done (one at the second try, one denied something), one failed, one behind it, one ready. */
const MIXED: SummarySource = {
  events: [],
  run: run('completed-with-failures', { message: '1 failed, 2 not run.' }),
  tasks: [
    makeTask('1', { title: 'Add the login form', status: 'done' }),
    makeTask('2', { title: 'ログイン画面を追加する', status: 'done' }),
    makeTask('3', { title: 'Charge cards\x1b[2J', status: 'failed', dependencies: ['1'] }),
    makeTask('4', { title: 'Send receipts', dependencies: ['3'] }),
    makeTask('5', { title: 'Write the manual' }),
    makeTask('6', { title: 'A group' }),
    makeTask('6.1', { title: 'Its part', status: 'done' }),
  ],
  attempts: [
    attempt(1, '1', attemptEnd('crashed', { usage: costing(0.1) })),
    attempt(
      2,
      '1',
      attemptEnd('landed', {
        usage: costing(0.2),
        report: { status: 'completed', summary: 'Form added', handover: '', followUps: ['Add a captcha'] },
      }),
      { number: 2 },
    ),
    attempt(3, '2', attemptEnd('no-change', { denials: [{ tool: 'Bash', rule: 'Bash(npm test:*)' }] })),
    attempt(
      4,
      '3',
      attemptEnd('permission-denied', {
        message: 'It could not run the tests.',
        denials: [
          { tool: 'Bash', rule: 'Bash(make:*)' },
          { tool: 'Bash', rule: 'Bash(make:*)' },
        ],
      }),
    ),
  ],
  usage: [
    usage('worker', 'claude-sonnet-5-5', 0.5),
    usage('worker', 'claude-sonnet-5-5', 0.25),
    usage('manager', 'claude-opus-5-5', 1),
  ],
  now: Date.parse(END),
};

test('a run is summed up in full', () => {
  const { counts, done, failed, left, usage: used, durationMs, costUsd, tokens } = summarize(MIXED);
  expect(counts).toEqual({ total: 5, done: 2, running: 0, failed: 1, waiting: 2 });
  expect(
    done.map(({ taskId, attempts, durationMs: time, costUsd: cost }) => [
      taskId,
      attempts,
      time,
      cost.toFixed(2),
    ]),
  ).toEqual([
    ['1', 2, 180_000, '0.30'],
    ['2', 1, 90_000, '0.00'],
  ]);
  expect(failed).toMatchObject([
    { taskId: '3', outcome: 'permission-denied', deniedRules: ['Bash(make:*)'] },
  ]);
  expect(left).toEqual([
    { taskId: '4', title: 'Send receipts', status: 'pending', waitingFor: ['3'] },
    { taskId: '5', title: 'Write the manual', status: 'pending', waitingFor: [] },
  ]);
  expect(used.map(({ role, model, costUsd: cost }) => [role, model, cost])).toEqual([
    ['manager', 'claude-opus-5-5', 1],
    ['worker', 'claude-sonnet-5-5', 0.75],
  ]);
  expect({ durationMs, costUsd, tokens }).toEqual({ durationMs: 725_000, costUsd: 1.75, tokens: 3 * 51_200 });
});

test('the end of what a verify command printed stands below its name', () => {
  const message = '`npm test` failed (exit code 1).\n\none\ntwo\n\nthree\nfour\nfive\n\x1b[31msix\n';
  const shown = text(
    summary({
      run: run('completed-with-failures'),
      tasks: [makeTask('1', { status: 'failed' })],
      attempts: [attempt(1, '1', attemptEnd('verify-failed', { message }))],
    }),
  );
  expect(shown).toContain(
    '    verify-failed: `npm test` failed (exit code 1).\n    │ two\n    │ three\n    │ four\n    │ five\n    │ ',
  );
  expect(shown).not.toMatch(/│ one|\x1b/);
});

test('what was stopped and can go on is left, not failed', () => {
  const stopped = summarize({
    ...MIXED,
    run: run('interrupted'),
    tasks: MIXED.tasks.map((task) => (task.id === '3' ? { ...task, status: 'pending' } : task)),
  });
  expect(stopped.counts).toEqual({ total: 5, done: 2, running: 0, failed: 0, waiting: 3 });
  expect(stopped.failed).toMatchObject([{ taskId: '3', status: 'pending' }]);
  expect(text(stopped)).toContain('2 of 5 tasks done · 3 left');
  expect(text(stopped)).toContain('■ 3 Charge cards');
  expect(text(stopped)).not.toMatch(/✖| failed/);
});

test('what a person gave up while the run worked has not failed, and no run goes on with it', () => {
  const stopped = summary({
    tasks: [makeTask('1', { status: 'cancelled' }), makeTask('2', { status: 'done' })],
    attempts: [attempt(1, '1', attemptEnd('cancelled')), attempt(2, '2', attemptEnd('landed'))],
  });
  expect(stopped.counts).toEqual({ total: 2, done: 1, running: 0, failed: 0, waiting: 0 });
  const shown = text(stopped);
  expect(shown).toMatch(/^Everything but what was set aside is done\.\n1 of 2 tasks done · 1 set aside · /);
  expect(shown).toContain('■ 1 Task 1');
  expect(shown).toContain('→ It was set to cancelled meanwhile; `retry 1` lets it be tried again.');
  expect(shown).not.toMatch(/✖| failed|goes on|continues/);
});

test('a task whose workspace was never ready has changed nothing anywhere', () => {
  const end = attemptEnd('infrastructure', { message: 'The workspace.setup command failed.' });
  const tasks = [makeTask('1')];
  const unprepared = summary({ tasks, attempts: [attempt(1, '1', end, { phase: 'preparing' })] });
  expect(unprepared.directories).toEqual([]);
  const shared = summary({ tasks, attempts: [attempt(1, '1', end)] });
  expect(text(shared)).toContain('Changes are in /home/me/project\n');
});

test('a run with a bit of everything, for people', () => {
  expect(text(summarize(MIXED))).toMatchInlineSnapshot(`
    "The run is over, but not everything is done.
    1 failed, 2 not run.
    2 of 5 tasks done · 1 failed · 2 left · 12m 05s · 154k tokens · $1.75

    Done
    ✔ 1 Add the login form · 2 tries · 3m 00s · $0.30
    ✔ 2 ログイン画面を追加する · nothing to change · 1m 30s · $0.00

    Done, though something was denied
      2 this rule would allow it: Bash(npm test:*)

    Suggested by the workers
      1: Add a captcha

    Not done
    ✖ 3 Charge cards · 1 try · $0.00
        permission-denied: It could not run the tests.
        denied; this rule would allow it: Bash(make:*)
        → Allow what was denied (add a rule to claude_cli.allowed_tools, or change
          git.protected_paths), then \`run\` again.
        transcript in /home/me/project/.taskmaster/attempts/4

    Still to do
    · 4 Send receipts · needs 3, not done
    · 5 Write the manual · ready

    Cost                          input     output     cached   to cache tokens       USD
    manager claude-opus-5-5        1.0k        200        50k          0    51k     $1.00
    worker claude-sonnet-5-5       2.0k        400       100k          0   102k     $0.75
    total                                                                  154k     $1.75

    Paid by        workers: Claude subscription
    Changes are in /home/me/project
    Next           claude-orchestrator show 3
    "
  `);
});

test('what a task has cost is not cut at 40 columns', () => {
  const narrow = text(summarize(MIXED), 40);
  expect(narrow).toContain('2 tries · 3m 00s · $0.30\n');
});

test('the same on a narrow terminal', () => {
  expect(text(summarize(MIXED), 50)).toMatchInlineSnapshot(`
    "The run is over, but not everything is done.
    1 failed, 2 not run.
    2 of 5 tasks done · 1 failed · 2 left · 12m 05s ·
    154k tokens · $1.75

    Done
    ✔ 1 Add the login form · 2 tries · 3m 00s · $0.30
    ✔ 2 ログイン画面を… · nothing to change · 1m 30…

    Done, though something was denied
      2 this rule would allow it: Bash(npm test:*)

    Suggested by the workers
      1: Add a captcha

    Not done
    ✖ 3 Charge cards · 1 try · $0.00
        permission-denied: It could not run the
        tests.
        denied; this rule would allow it: Bash(make:*)
        → Allow what was denied (add a rule to
          claude_cli.allowed_tools, or change
          git.protected_paths), then \`run\` again.
        transcript in /home/me/project/.taskmaster/attempts/4

    Still to do
    · 4 Send receipts · needs 3, not done
    · 5 Write the manual · ready

    Cost                     tokens       USD
    manager claude-opus-5-5     51k     $1.00
    worker claude-sonnet-5-5   102k     $0.75
    total                      154k     $1.75

    Paid by        workers: Claude subscription
    Changes are in /home/me/project
    Next           claude-orchestrator show 3
    "
  `);
});

describe('how a run ended is told in plain words, with the next command', () => {
  test.each<[RunOutcome | null, string, string]>([
    ['completed', 'Everything is done.', 'claude-orchestrator list'],
    ['completed-with-failures', 'The run is over, but not everything is done.', 'claude-orchestrator show 3'],
    ['paused-usage-limit', 'Stopped at a usage limit; the rest is still to do.', 'claude-orchestrator run'],
    [
      'over-budget',
      'Stopped at the budget; the rest is still to do.',
      'claude-orchestrator run --max-cost 5',
    ],
    ['unauthenticated', 'Stopped: the credentials do not work.', 'claude-orchestrator check'],
    ['interrupted', 'Interrupted; what was done so far is saved.', 'claude-orchestrator run'],
    [null, 'The run goes on.', 'claude-orchestrator status --watch'],
  ])('%s', (outcome, words, next) => {
    const work = outcome === 'completed' ? { tasks: [], attempts: [] } : {};
    const summarized = summarize({ ...MIXED, ...work, run: run(outcome) });
    expect(text(summarized).split('\n')[0]).toBe(words);
    expect(nextCommand(summarized)).toBe(next);
    expect(text(summarized).trimEnd().split('\n').at(-1)).toBe(`Next           ${next}`);
  });

  test('a run that was asked for a part does not say that everything is done', () => {
    const summarized = summary({ tasks: [makeTask('9')] });
    expect(text(summarized).split('\n')[0]).toBe('Everything this run was asked for is done.');
    expect(nextCommand(summarized)).toBe('claude-orchestrator run');
  });

  test('what delivery has left to do comes first, after what failed', () => {
    const branch = {
      kind: 'left',
      message: 'In the way.',
      commands: ['git merge x', 'gh pr create'],
    } as const;
    const staged = { kind: 'staged', message: 'Staged on main.', commands: [] } as const;
    const after = (
      delivery: typeof branch | typeof staged,
      source: Partial<SummarySource> = {},
    ): RunSummary => summary({ ...source, events: [delivered({ ...delivery, commit: 'abc' })] });
    expect(nextCommand(after(staged))).toBe('git diff --staged');
    expect(nextCommand(after(staged, { tasks: [makeTask('9')] }))).toBe('git diff --staged');
    expect(nextCommand(after(branch))).toBe('git merge x');
    expect(text(after(branch)).split('\n')[0]).toBe('Everything is done, but the results are not delivered.');
    expect(nextCommand(after(branch, MIXED))).toBe('claude-orchestrator show 3');
    expect(text(after(staged))).toContain('Delivered      Staged on main.');
    expect(text(after(branch))).toContain(
      'Results        In the way.\nTake them with git merge x\n               gh pr create\n',
    );
  });

  test('every outcome of a run ends the text with a command', () => {
    for (const outcome of RUN_OUTCOMES)
      expect(text(summary({ run: run(outcome) }))).toMatch(/Next +claude-orchestrator \w/);
  });
});

describe('every outcome of an attempt is told with its reason, what to do, and where to look', () => {
  test.each(OUTCOMES.map((outcome) => [outcome, OUTCOME_POLICY[outcome]] as const))(
    '%s',
    (outcome, policy) => {
      const shown = text(oneAttempt(outcome), 200);
      if (policy.success) {
        expect(shown).toContain('✔ 1 Task 1');
        expect(shown).not.toContain('Not done');
        return;
      }
      expect(shown).toContain(policy.charged ? '✖ 1 Task 1' : '■ 1 Task 1');
      expect(shown).toContain(`${outcome}: the reason`);
      expect(shown).toContain(`→ ${policy.advice}`);
      expect(shown).toContain('transcript in /home/me/project/.taskmaster/attempts/1');
    },
  );
});

function oneAttempt(outcome: AttemptOutcome): RunSummary {
  const end = attemptEnd(outcome, { message: 'the reason' });
  return summary({
    run: run('completed-with-failures'),
    tasks: [makeTask('1', { status: OUTCOME_POLICY[outcome].charged ? 'failed' : 'pending' })],
    attempts: [attempt(1, '1', end)],
  });
}

const pausedAt = (at: string, until: string, reason: PauseReason = 'usage-limit'): Stamped => ({
  type: 'run-paused',
  runId: 'run-1',
  reason,
  until,
  message: 'The usage limit is reached.',
  at,
});

describe('a run that was paused', () => {
  const pause = pausedAt('2026-01-01T00:02:00.000Z', '2026-01-01T00:10:00.000Z');
  const resumed: Stamped = {
    type: 'run-resumed',
    runId: 'run-1',
    reason: 'usage-limit',
    at: '2026-01-01T00:10:05.000Z',
  };
  const ended: Stamped = {
    type: 'run-ended',
    runId: 'run-1',
    outcome: 'paused-usage-limit',
    message: '',
    at: END,
  };

  test('and went on tells its waiting apart from its work, and no reset that is over', () => {
    const summarized = summary({ events: [pause, resumed] });
    expect(summarized).toMatchObject({
      durationMs: 725_000,
      pausedMs: 485_000,
      paused: null,
      resetsAt: null,
    });
    expect(text(summarized)).toContain('4m 00s at work · 8m 05s paused');
  });

  test('and still is tells until when', () => {
    const summarized = summary({ run: run(null), events: [pause], now: Date.parse(START) + 180_000 });
    expect(summarized).toMatchObject({
      pausedMs: 60_000,
      paused: { reason: 'usage-limit', since: pause.at, until: '2026-01-01T00:10:00.000Z' },
      resetsAt: '2026-01-01T00:10:00.000Z',
    });
  });

  test('and ended so tells when the limit resets, though no attempt met it', () => {
    const until = '2026-01-01T05:00:00.000Z';
    const events = [pausedAt(pause.at, until), ended];
    expect(summary({ run: run('paused-usage-limit'), events })).toMatchObject({
      paused: null,
      resetsAt: until,
    });
  });

  test('for an outage waits for no reset', () => {
    const events = [pausedAt(pause.at, '2026-01-01T05:00:00.000Z', 'outage'), ended];
    expect(summary({ run: run('outage'), events }).resetsAt).toBeNull();
  });
});

test('what a budget counts, and what is likely to come, is what it takes to go on', () => {
  const over = summary({
    run: run('over-budget'),
    tasks: [makeTask('1'), makeTask('2', { estimateMinutes: 30 }), makeTask('3', { status: 'cancelled' })],
    usage: [usage('worker', 'sonnet', 2)],
    spentUsd: 10.2,
  });
  expect(over).toMatchObject({ costUsd: 2, spentUsd: 10.2 });
  expect(nextCommand(over)).toBe('claude-orchestrator run --max-cost 14');
  expect(summary({ usage: [usage('worker', 'sonnet', 2)], spentUsd: 0 }).spentUsd).toBe(2);
});

test('a usage limit tells when it resets', () => {
  const resetsAt = Date.parse('2026-01-01T05:00:00Z');
  const attempts = [attempt(1, '1', attemptEnd('usage-limited', { resetsAt }))];
  const summarized = summary({ run: run('paused-usage-limit'), tasks: [makeTask('1')], attempts });
  expect(summarized.resetsAt).toBe('2026-01-01T05:00:00.000Z');
  expect(text(summarized)).toMatch(
    /^Limit resets   (\w+ )?\d\d:\d\d, in 4 h 48 min; `run` goes on then, with the same sessions$/m,
  );
  const later = formatSummary(summarized, {
    columns: 100,
    color: false,
    now: Date.parse('2026-01-02T00:00:00.000Z'),
  });
  expect(later).toContain('Limit resets   it has reset: `run` goes on');
});

test('a run that goes on shows who is at work, and its time so far', () => {
  const summarized = summary({
    run: run(null),
    tasks: [makeTask('1', { status: 'in-progress' })],
    attempts: [attempt(1, '1', null)],
  });
  expect(summarized).toMatchObject({ outcome: null, durationMs: 725_000, counts: { running: 1, total: 1 } });
  expect(text(summarized)).toContain('0 of 1 task done · 1 running');
});

test('long lists are cut, and say so', () => {
  const tasks = Array.from({ length: 60 }, (_, index) => makeTask(String(index + 1)));
  const attempts = tasks.slice(0, 45).map(({ id }, index) => attempt(index, id, attemptEnd('landed')));
  const shown = text(summary({ tasks, attempts }));
  expect(shown).toContain('\n  + 5 more\n\nStill to do');
  expect(shown.match(/^✔/gm)).toHaveLength(40);
});

test('texts from outside never reach the terminal as controls, and lines keep to its width', () => {
  const anyText = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }));
  fc.assert(
    fc.property(
      fc.record({ title: anyText, message: anyText, rule: anyText, files: anyText }),
      fc.constantFrom(...OUTCOMES),
      fc.integer({ min: 41, max: 200 }),
      ({ title, message, rule, files }, outcome, columns) => {
        const end = attemptEnd(outcome, { message, denials: [{ tool: 'Bash', rule }] });
        const shown = text(
          summary({
            tasks: [makeTask('1', { title })],
            attempts: [attempt(1, '1', end, { files })],
            usage: [usage('worker', title, 1)],
          }),
          columns,
        );
        for (const line of shown.split('\n')) {
          expect(line).not.toMatch(/\p{Cc}/u);
          const isCopyable = /this rule would allow it|transcript in|Changes are in|^Next/.test(line);
          if (!isCopyable) expect(displayWidth(line)).toBeLessThanOrEqual(columns);
        }
      },
    ),
    { numRuns: cases(1000) },
  );
});
