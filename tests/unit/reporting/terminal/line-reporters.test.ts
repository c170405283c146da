import { describe, expect, test } from 'vitest';
import type { Event, Stamped } from '../../../../src/domain/event.ts';
import type { Detail } from '../../../../src/reporting/terminal/describe-event.ts';
import { ndjsonReporter } from '../../../../src/reporting/terminal/ndjson.ts';
import { Output } from '../../../../src/reporting/terminal/output.ts';
import { plainReporter } from '../../../../src/reporting/terminal/plain.ts';
import { liveReporter } from '../../../../src/reporting/terminal/live.ts';
import { styles } from '../../../../src/domain/text/styles.ts';
import { attemptEnd, costing } from '../../../rig/attempt-end.ts';
import { MemoryStream } from '../../../rig/memory-stream.ts';
import { Screen } from '../../../rig/screen.ts';
import { stagedEnd, stagedProgress, stagedStart } from '../../../rig/staged-run.ts';

const START = Date.parse('2026-01-01T00:00:00Z');
const stamp = (event: Event, afterMs: number): Stamped => ({
  ...event,
  at: new Date(START + afterMs).toISOString(),
});

const STORY: readonly Stamped[] = [
  ...stagedStart(2, 3, START),
  stamp({ type: 'manager-called', purpose: 'plan', runId: 'run-1', usage: [], durationMs: 12_000 }, 1000),
  ...stagedEnd(1, 'verify-failed', START, 61_000).filter(({ type }) => type === 'attempt-ended'),
  stamp({ type: 'status-changed', taskId: '1', from: 'in-progress', to: 'pending', why: '' }, 61_000),
  stamp({ type: 'retry-scheduled', taskId: '1', number: 2, delayMs: 5000, why: 'verify-failed' }, 61_000),
  stamp({ type: 'attempt-ended', attemptId: 2, taskId: '2', end: attemptEnd('usage-limited') }, 62_000),
  ...stagedEnd(3, 'landed', START, 63_000),
  stamp({ type: 'warning', message: 'usage is at 80 %\x1b[2J' }, 64_000),
  stamp({ type: 'run-ended', runId: 'run-1', outcome: 'paused-usage-limit', message: '' }, 65_000),
];

function plain(level: Detail, events: readonly Stamped[] = STORY): string[] {
  const stream = new MemoryStream();
  const reporter = plainReporter(new Output(stream), level, styles(false));
  for (const event of events) reporter.report(event);
  return stream.lines();
}

describe('plain lines', () => {
  test('tell what happened, with the time', () => {
    expect(plain('normal')).toMatchInlineSnapshot(`
      [
        "2026-01-01T00:00:00Z Run run-1: 3 tasks, 2 workers · workers: Claude subscription · manager: API key …abcd",
        "2026-01-01T00:00:00Z Planned by the manager.",
        "2026-01-01T00:00:00Z ▸ 1 Add the login form · the longest path starts here",
        "2026-01-01T00:00:00Z ▸ 2 ログイン画面を追加する、エラー処理も含めて全部やる · the longest path starts here",
        "2026-01-01T00:01:01Z ↻ 1 Add the login form · 1m 01s · $0.05 · try 2 in 5s · verify-failed: npm test: 2 of 14 tests fail, the first is "rejects an empty password"",
        "2026-01-01T00:01:02Z ■ 2 ログイン画面を追加する、エラー処理も含めて全部やる · 1m 02s · $0.00 · usage-limited",
        "2026-01-01T00:01:03Z ✔ 3 · $0.15",
        "2026-01-01T00:01:04Z ! usage is at 80 %",
      ]
    `);
  });

  test('quiet: only what went wrong', () => {
    expect(plain('quiet')).toMatchInlineSnapshot(`
      [
        "2026-01-01T00:01:02Z ■ 2 ログイン画面を追加する、エラー処理も含めて全部やる · 1m 02s · $0.00 · usage-limited",
        "2026-01-01T00:01:04Z ! usage is at 80 %",
      ]
    `);
  });

  test('verbose: everything, but an action only when it changes', () => {
    const lines = plain('verbose', [
      ...stagedStart(1, 1, START),
      stamp(stagedProgress(1, 1), 1),
      stamp(stagedProgress(1, 5), 2),
      stamp(stagedProgress(1, 2), 3),
    ]);
    expect(lines.map((line) => line.slice(21))).toMatchInlineSnapshot(`
      [
        "Run run-1: 1 task, 1 worker · workers: Claude subscription · manager: API key …abcd",
        "Planned by the manager.",
        "▸ 1 Add the login form · the longest path starts here",
        "· 1 working",
        "· 1 Bash npm test -- --run login",
        "· 1 Read docs/ログイン.md",
      ]
    `);
  });

  test('a run that says nothing for a minute gives a sign of life', () => {
    const events = [1000, 59_000, 61_000, 62_000].map((at) => stamp(stagedProgress(1, 1), at));
    const lines = plain('normal', [...stagedStart(1, 2, START), ...events]);
    expect(lines.slice(3)).toEqual(['2026-01-01T00:01:01Z … 0 of 2 done · working on 1 · 1m 01s · $0.01']);
  });
});

test('a run is told to its end by its lines once: what became of it is in the summary below', () => {
  const message = 'Everything is there.';
  const delivery = { kind: 'staged', commit: 'c', message, commands: [] } as const;
  const lines = plain('normal', [
    stamp({ type: 'run-delivered', runId: 'run-1', delivery }, 1),
    stamp({ type: 'run-ended', runId: 'run-1', outcome: 'completed', message }, 2),
  ]);
  expect(lines).toEqual([]);
});

test('verbose: the manager is told with the task that it was asked about', () => {
  const call = { purpose: 'review', taskId: '4', runId: 'run-1', usage: costing(0.0093), durationMs: 2000 };
  const lines = plain('verbose', [stamp({ type: 'manager-called', ...call }, 0)]);
  expect(lines).toEqual(['2026-01-01T00:00:00Z · manager: review of task 4 · 2s · $0.0093']);
});

test('an attempt whose task waits again without a date for it is told before what comes next', () => {
  const lines = plain('quiet', [
    stamp({ type: 'attempt-ended', attemptId: 1, taskId: '1', end: attemptEnd('usage-limited') }, 1000),
    stamp({ type: 'status-changed', taskId: '1', from: 'in-progress', to: 'pending', why: '' }, 1000),
    stamp({ type: 'warning', message: 'next' }, 2000),
  ]);
  expect(lines).toEqual(['2026-01-01T00:00:01Z ■ 1 · $0.00 · usage-limited', '2026-01-01T00:00:02Z ! next']);
});

describe('the live display', () => {
  async function history(columns: number, events: readonly Stamped[], level: Detail = 'normal') {
    const stream = new MemoryStream(columns, 24);
    const options = { stream, style: styles(false), level, now: () => START };
    const reporter = liveReporter(options);
    for (const event of events) reporter.report(event);
    await reporter.close();
    const screen = new Screen(columns, 24);
    screen.write(stream.text.replaceAll('\n', '\r\n'));
    return screen.history();
  }

  test('has one line for each thing that happened, the reason below it, broken between words', async () => {
    const lines = await history(40, STORY);
    expect(lines).toMatchInlineSnapshot(`
      [
        "Planned by the manager.",
        "↻ 1 Add the… · 1m 01s · $0.05 · try 2",
        "  in 5s",
        "    verify-failed: npm test: 2 of 14",
        "    tests fail, the first is "rejects",
        "    an empty password"",
        "■ 2 ログイン画面を… · 1m 02s · $0.00",
        "    usage-limited",
        "✔ 3 · $0.15",
        "! usage is at 80 %",
        "1/3 done · 0 running · 0 failed",
        "1m 05s · 4 tokens · $0.20 · 1 retry",
      ]
    `);
  });

  test('loses no failure that an attempt which starts next is told after', async () => {
    const [start] = stagedStart(1, 2, START).filter(({ type }) => type === 'attempt-started');
    const end = attemptEnd('usage-limited');
    const lines = await history(80, [
      stamp({ type: 'attempt-ended', attemptId: 7, taskId: '7', end }, 0),
      ...(start === undefined ? [] : [start]),
      stamp({ type: 'warning', message: 'word '.repeat(5000) }, 0),
    ]);
    expect(lines[0]).toBe('■ 7 · $0.00');
    expect(lines.length).toBeLessThan(16);
  });
});

describe('NDJSON', () => {
  test('is the events themselves, one a line', () => {
    const stream = new MemoryStream();
    const reporter = ndjsonReporter(stream);
    for (const event of STORY) reporter.report(event);
    expect(stream.lines().map((line) => JSON.parse(line) as unknown)).toEqual(STORY);
  });

  test('a slow reader loses nothing but the progress that newer progress replaces', async () => {
    const stream = new MemoryStream();
    const reporter = ndjsonReporter(stream);
    stream.full = true;
    reporter.report(stamp({ type: 'warning', message: 'first' }, 0));
    for (let step = 1; step <= 1000; step++) reporter.report(stamp(stagedProgress(1, step), step));
    for (let step = 1; step <= 1000; step++) reporter.report(stamp(stagedProgress(2, step), step));
    for (const event of stagedEnd(1, 'landed', START, 2000)) reporter.report(event);
    const closed = reporter.close();
    stream.drain();
    await closed;
    const [warning, lastOfFirst, end, status, lastOfSecond, ...more] = stream
      .lines()
      .map((l) => JSON.parse(l) as Stamped);
    expect([warning?.type, end?.type, status?.type]).toEqual(['warning', 'attempt-ended', 'status-changed']);
    expect(lastOfFirst).toEqual(stamp(stagedProgress(1, 1000), 1000));
    expect(lastOfSecond).toEqual(stamp(stagedProgress(2, 1000), 1000));
    expect(more).toEqual([]);
  });
});

describe('a reader that goes away', () => {
  test.each(['error', 'close'] as const)(
    'by %s: nothing is written any more, and closing does not wait',
    async (how) => {
      const stream = new MemoryStream();
      const reporter = ndjsonReporter(stream);
      stream.full = true;
      reporter.report(stamp({ type: 'warning', message: 'seen' }, 0));
      const closed = reporter.close();
      stream.emit(how, new Error('EPIPE'));
      await closed;
      reporter.report(stamp({ type: 'warning', message: 'not seen' }, 0));
      expect(stream.lines()).toHaveLength(1);
      // A late second error must find a listener, or it would end the process.
      expect(() => stream.emit('error', new Error('EPIPE'))).not.toThrow();
    },
  );

  test('by a write that throws', () => {
    const stream = new MemoryStream();
    const output = new Output(stream);
    stream.failure = new Error('EIO');
    output.write('x');
    expect(output.gone).toBe(true);
  });
});
