import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Event, RunOutcome } from '../../../../src/domain/event.ts';
import type { Notice } from '../../../../src/reporting/notify/notice.ts';
import { NoticeBuilder, type NoticeOptions } from '../../../../src/reporting/notify/notifier.ts';
import type { TaskId } from '../../../../src/domain/task.ts';
import { attemptEnd, costing } from '../../../rig/attempt-end.ts';

const START = Date.parse('2026-11-22T23:00:00Z');
const ALL = { taskComplete: true, taskFailed: true, runEnded: true };
const zone = process.env['TZ'];
beforeEach(() => {
  process.env['TZ'] = 'Asia/Kolkata';
});
afterEach(() => {
  if (zone === undefined) delete process.env['TZ'];
  else process.env['TZ'] = zone;
});

/** What a person is told of events, a minute apart. */
function told(events: readonly Event[], wanted: NoticeOptions['wanted'] = ALL): Notice[] {
  const builder = new NoticeBuilder({ wanted });
  return events.flatMap((event, minute) => {
    const at = new Date(START + minute * 60_000).toISOString();
    return builder.noticeFor({ ...event, at }) ?? [];
  });
}

const started = (taskId: TaskId, title: string): Event => ({
  type: 'attempt-started',
  runId: 'r',
  attemptId: Number(taskId),
  taskId,
  title,
  number: 1,
  sessionId: 's',
  resumed: false,
  why: '',
});
const ended = (taskId: TaskId, end: ReturnType<typeof attemptEnd>): Event => ({
  type: 'attempt-ended',
  attemptId: Number(taskId),
  taskId,
  end,
});
const failed = (taskId: TaskId, why: string): Event => ({
  type: 'status-changed',
  taskId,
  from: 'in-progress',
  to: 'failed',
  why,
});
const run: Event = { type: 'run-started', runId: 'r', workers: 2, tasks: 3, billing: '' };
const over = (outcome: RunOutcome, message = ''): Event => ({
  type: 'run-ended',
  runId: 'r',
  outcome,
  message,
});
const paused = (reason: 'usage-limit' | 'outage', until: string): Event => ({
  type: 'run-paused',
  runId: 'r',
  reason,
  until,
  message: 'The 5-hour limit is reached',
});
const resumed: Event = { type: 'run-resumed', runId: 'r', reason: 'usage-limit' };

describe('tasks', () => {
  test('one that landed, with its price', () => {
    const events = [started('1', 'Add a cart'), ended('1', attemptEnd('landed', { usage: costing(0.42) }))];
    expect(told(events)).toEqual([
      {
        id: 1,
        kind: 'task-complete',
        urgent: false,
        at: '2026-11-22T23:01:00.000Z',
        taskId: '1',
        title: '1 Add a cart',
        detail: 'Landed · $0.42',
      },
    ]);
    expect(told(events, { ...ALL, taskComplete: false })).toEqual([]);
  });

  test('a retry is nothing to tell; a failure for good is, with its reason and what to do', () => {
    const events: Event[] = [
      started('1', 'Add a cart'),
      ended('1', attemptEnd('verify-failed', { message: 'npm test failed' })),
      { type: 'retry-scheduled', taskId: '1', number: 2, delayMs: 0, why: '' },
      { type: 'status-changed', taskId: '1', from: 'in-progress', to: 'pending', why: '' },
      started('1', 'Add a cart'),
      ended('1', attemptEnd('verify-failed', { message: 'npm test failed' })),
      failed('1', 'verify-failed: npm test failed'),
    ];
    expect(told(events)).toMatchObject([
      {
        kind: 'task-failed',
        title: '1 Add a cart failed',
        detail: 'verify-failed: npm test failed. Look at its change with `diff`, then `run` again.',
      },
    ]);
    expect(told(events, { ...ALL, taskFailed: false })).toEqual([]);
  });

  test('a denied permission asks a person for the rule, once, whatever is switched off', () => {
    const denials = [
      { tool: 'Bash', rule: 'Bash(npm test:*)' },
      { tool: 'Bash', rule: 'Bash(npm test:*)' },
    ];
    const events = [
      started('2', 'Test'),
      ended('2', attemptEnd('permission-denied', { message: 'It may not run npm test', denials })),
      failed('2', 'permission-denied'),
    ];
    for (const wanted of [ALL, { taskComplete: false, taskFailed: false, runEnded: false }])
      expect(told(events, wanted)).toMatchObject([
        {
          kind: 'needs-person',
          urgent: true,
          taskId: '2',
          detail:
            'It may not run npm test. To allow it, add to claude_cli.allowed_tools: Bash(npm test:*). Then `run` again.',
        },
      ]);
  });

  test('dead credentials ask a person once, however many workers find out', () => {
    const end = attemptEnd('unauthenticated', { message: 'The login has expired' });
    const notices = told([started('1', 'A'), started('2', 'B'), ended('1', end), ended('2', end)]);
    expect(notices).toMatchObject([{ kind: 'needs-person', urgent: true, taskId: null }]);
    expect(notices[0]?.detail).toMatch(/^The login has expired\. Log in with `claude`/);
  });

  test('titles are data', () => {
    const [notice] = told([started('1', 'a\x1b[31m\nb\u202e'), ended('1', attemptEnd('landed'))]);
    expect(notice?.title).toBe('1 a b');
    const [long] = told([started('1', '😀'.repeat(500)), ended('1', attemptEnd('landed'))]);
    expect(long?.title.length).toBeLessThanOrEqual(250);
    expect(long?.title).not.toMatch(/\p{Surrogate}/u);
  });
});

describe('pauses', () => {
  test('tell the time on the clock of the machine, with its zone, and how long it is', () => {
    expect(told([paused('usage-limit', '2026-11-23T01:10:00Z')])).toMatchObject([
      {
        kind: 'paused',
        urgent: true,
        title: 'Paused at a usage limit',
        detail: 'The 5-hour limit is reached. It goes on by itself at 06:40 GMT+5:30, in 2 h 10 min.',
      },
    ]);
  });

  test('are told again only where they turn out much longer, and their end only after them', () => {
    const notices = told([
      resumed,
      paused('usage-limit', '2026-11-23T01:00:00Z'),
      paused('usage-limit', '2026-11-23T01:05:00Z'),
      paused('usage-limit', '2026-11-23T03:00:00Z'),
      resumed,
      resumed,
    ]);
    expect(notices.map(({ kind }) => kind)).toEqual(['paused', 'paused', 'resumed']);
    expect(notices.map(({ id }) => id)).toEqual([1, 2, 3]);
  });

  test('an outage that goes on is one', () => {
    const tries = Array.from({ length: 20 }, (_, hour) =>
      paused('outage', new Date(START + hour * 3_600_000).toISOString()),
    );
    expect(told([...tries, resumed, ...tries]).map(({ kind }) => kind)).toEqual([
      'paused',
      'resumed',
      'paused',
    ]);
  });

  test('a warning names the window, how much is used and when it resets', () => {
    const warning: Event = {
      type: 'usage-warning',
      runId: 'r',
      account: 'Claude subscription',
      window: 'seven_day',
      used: 80.7,
      resetsAt: '2026-11-22T23:30:00Z',
    };
    expect(told([warning])).toMatchObject([
      {
        kind: 'usage-warning',
        title: '80 % of the weekly window is used',
        detail: 'Claude subscription. It resets at 05:00 GMT+5:30, in 30 min.',
      },
    ]);
  });
});

describe('the end', () => {
  test('names moments by the clock of this machine, with its zone', () => {
    const [notice] = told([over('paused-usage-limit', 'It resets at 2026-11-22T23:30:00.000Z (--no-wait)')]);
    expect(notice?.detail).toContain('It resets at 05:00 GMT+5:30, in 30 min (--no-wait)');
  });

  const work = [
    run,
    started('1', 'A'),
    ended('1', attemptEnd('landed', { usage: costing(1.5) })),
    started('2', 'B'),
    ended('2', attemptEnd('crashed', { usage: costing(0.25) })),
    failed('2', 'crashed'),
  ];

  test('with counts, cost, time and where the results are', () => {
    const delivery: Event = {
      type: 'run-delivered',
      runId: 'r',
      delivery: {
        kind: 'staged',
        commit: 'c',
        message: 'The results are staged in your checkout',
        commands: [],
      },
    };
    const notices = told([...work, delivery, over('completed-with-failures')]);
    expect(notices.at(-1)).toMatchObject({
      kind: 'run-ended',
      urgent: true,
      title: 'The run is over, but not everything is done.',
      detail: '1 of 3 tasks done, 1 failed, 1 left · $1.75 · 7m 00s. The results are staged in your checkout',
    });
    expect(told([over('completed')], { ...ALL, runEnded: false })).toEqual([]);
  });

  test.each<[RunOutcome, Notice['kind']]>([
    ['over-budget', 'budget-reached'],
    ['unauthenticated', 'needs-person'],
    ['model-unavailable', 'needs-person'],
  ])('%s is told as %s, whatever is switched off', (outcome, kind) => {
    const [notice] = told([over(outcome, 'Why')], { ...ALL, runEnded: false });
    expect(notice).toMatchObject({ kind, urgent: true });
    expect(notice?.detail).toContain('Why');
  });

  test('results that were left ask a person to take them, with the command', () => {
    const delivery: Event = {
      type: 'run-delivered',
      runId: 'r',
      delivery: {
        kind: 'left',
        commit: 'c',
        message: 'Your files are in the way.',
        commands: ['git merge x'],
      },
    };
    expect(told([delivery])).toMatchObject([
      { kind: 'needs-person', detail: 'Your files are in the way. Take them with: git merge x' },
    ]);
  });
});
