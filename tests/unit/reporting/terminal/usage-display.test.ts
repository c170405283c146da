import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Event, PauseReason, Stamped } from '../../../../src/domain/event.ts';
import type { Detail } from '../../../../src/reporting/terminal/describe-event.ts';
import { describePause, Pauses } from '../../../../src/domain/text/pauses.ts';
import { displayWidth } from '../../../../src/domain/text/display-text.ts';
import { drawFrame } from '../../../../src/reporting/terminal/frame.ts';
import { Output } from '../../../../src/reporting/terminal/output.ts';
import { plainReporter } from '../../../../src/reporting/terminal/plain.ts';
import { ProgressModel } from '../../../../src/reporting/progress/progress-model.ts';
import { styles } from '../../../../src/domain/text/styles.ts';
import {
  drawUsageBar,
  openWindows,
  type ShownWindow,
  windowName,
} from '../../../../src/domain/text/usage-windows.ts';
import { MemoryStream } from '../../../rig/memory-stream.ts';
import { stagedStart } from '../../../rig/staged-run.ts';
import { cases } from '../../../rig/effort.ts';

const MINUTE = 60_000;
/** A local time, so that what is told by the clock is the same in every time zone. */
const START = new Date(2026, 2, 10, 13, 18).getTime();
const RESET = new Date(2026, 2, 10, 14, 30).getTime();
const plain = styles(false);

const stamp = (event: Event, afterMs: number): Stamped => ({
  ...event,
  at: new Date(START + afterMs).toISOString(),
});

function paused(afterMs: number, until = RESET, reason: PauseReason = 'usage-limit'): Stamped {
  const message = 'The usage limit is reached.';
  return stamp(
    { type: 'run-paused', runId: 'run-1', reason, until: new Date(until).toISOString(), message },
    afterMs,
  );
}

const resumed = (afterMs: number): Stamped =>
  stamp({ type: 'run-resumed', runId: 'run-1', reason: 'usage-limit' }, afterMs);

const full = (name: string, resetsAt: number | null = RESET): ShownWindow => ({
  account: 'Claude subscription',
  name,
  utilization: 1,
  status: 'rejected',
  resetsAt,
});

function modelOf(events: readonly Stamped[], windows?: readonly ShownWindow[]): ProgressModel {
  const model = new ProgressModel({ windows: windows === undefined ? undefined : () => windows });
  for (const event of events) model.apply(event);
  return model;
}

function frame(model: ProgressModel, now: number, columns = 80, rows = 24): string[] {
  return drawFrame(model.at(now), now, { columns, rows }, plain);
}

test.each([
  ['five_hour', '5-hour'],
  ['seven_day', 'weekly'],
  ['seven_day_opus', 'weekly Opus'],
  ['seven_day_overage_included', 'weekly Overage included'],
  ['seven_day_', 'seven_day_'],
  ['constructor', 'constructor'],
  ['lunar\u001b[2J_month', 'lunar_month'],
])('the window %s is called %s', (window, expected) => {
  expect(windowName(window)).toBe(expected);
});

describe('while a run is paused', () => {
  const events = [...stagedStart(2, 6, START), paused(0)];

  test('the display says why, until when and for how long, and still shows who works', () => {
    const windows = [
      full('five_hour'),
      { ...full('seven_day', RESET + 1e8), utilization: 0.31, status: 'allowed' as const },
    ];
    const lines = frame(modelOf(events, windows), START);
    expect(lines).toContain('‖ Paused: usage limit (5-hour) · goes on at 14:30, in 1 h 12 min');
    expect(lines).toContain('5-hour ━━━━━━━━━━ 100% · weekly ━━━───────  31%');
    expect(lines.filter((line) => line.startsWith('▸'))).toHaveLength(2);
  });

  test('the countdown goes on by the minute, then by the second, and stands still once it is over', () => {
    const model = modelOf(events);
    const lineAt = (now: number): string | undefined =>
      frame(model, now).find((line) => line.startsWith('‖'));
    expect(lineAt(START + 59_999)).toContain('in 1 h 12 min');
    expect(lineAt(START + MINUTE)).toContain('in 1 h 11 min');
    expect(lineAt(RESET - 90_000)).toContain('in 90 s');
    expect(lineAt(RESET - 89_000)).toContain('in 89 s');
    expect(lineAt(RESET + MINUTE)).toContain('goes on at 14:30, any moment');
  });

  test('what is left takes longer by the wait', () => {
    const model = new ProgressModel({ remainingMinutes: () => 10 });
    for (const event of events) model.apply(event);
    expect(model.at(START).remainingMs).toBe(RESET - START + 10 * MINUTE);
  });

  test('the line goes when the run does, and the time is counted', () => {
    const model = modelOf([...events, resumed(30 * MINUTE)]);
    expect(model.at(START + 40 * MINUTE)).toMatchObject({ paused: null, pausedMs: 30 * MINUTE });
    const shown = frame(model, START + 40 * MINUTE).join('\n');
    expect(shown).not.toContain('Paused');
    expect(shown).toContain('40m 00s (30m 00s paused)');
  });
});

test('tasks that wait for money are counted while they do', () => {
  const waits = (waiting: number, afterMs: number): Stamped =>
    stamp({ type: 'budget-wait', runId: 'run-1', waiting, heldUsd: 1.6, freeUsd: 0.4 }, afterMs);
  const told = '$ 2 tasks wait for money that running tasks hold';
  expect(frame(modelOf([waits(2, 0)]), START)).toContain(told);
  expect(frame(modelOf([waits(2, 0), waits(0, MINUTE)]), START)).not.toContain(told);
});

test('windows are known from warnings where nobody can be asked, until they are reset', () => {
  const resetsAt = new Date(RESET).toISOString();
  const told = { runId: 'run-1', account: 'Claude subscription', window: 'five_hour', resetsAt };
  const model = modelOf([stamp({ type: 'usage-warning', ...told, used: 83.4 }, 0)]);
  expect(frame(model, START)).toContain('5-hour ━━━━━━━━──  83%');
  expect(model.at(RESET).windows).toEqual([]);
});

test('what an API key may use in a minute is no window of a plan', () => {
  expect(openWindows([full('api_input_tokens'), full('five_hour')], START)).toEqual([full('five_hour')]);
});

test('pauses are counted as long as nothing may start, however often each is said again', () => {
  const moves = fc.array(
    fc.record({ kind: fc.constantFrom('pause', 'resume'), afterMs: fc.integer({ min: 0, max: MINUTE }) }),
    { maxLength: 30 },
  );
  fc.assert(
    fc.property(moves, (script) => {
      const pauses = new Pauses();
      let now = 0;
      let expected = 0;
      let isPaused = false;
      for (const { kind, afterMs } of script) {
        now += afterMs;
        if (isPaused) expected += afterMs;
        isPaused = kind === 'pause';
        pauses.apply(kind === 'pause' ? paused(now) : resumed(now));
      }
      expect(pauses.totalMs(START + now)).toBe(expected);
      expect(pauses.current !== null).toBe(isPaused);
    }),
    { numRuns: cases(2000) },
  );
});

test('no line is wider than the terminal, whatever is paused and known', () => {
  fc.assert(
    fc.property(
      fc.constantFrom<PauseReason>('usage-limit', 'reserve', 'pacing', 'outage'),
      fc.array(fc.tuple(fc.string(), fc.option(fc.double()), fc.constantFrom('allowed', 'rejected')), {
        maxLength: 5,
      }),
      fc.integer({ min: -1e9, max: 1e9 }),
      fc.integer({ min: 1, max: 120 }),
      fc.integer({ min: 1, max: 30 }),
      (reason, seen, wait, columns, rows) => {
        const windows = seen.map(([name, utilization, status]): ShownWindow => {
          return { ...full(name, START + 1e10), utilization, status: status };
        });
        const model = modelOf([...stagedStart(3, 9, START), paused(0, START + wait, reason)], windows);
        const lines = frame(model, START, columns, rows);
        expect(lines.length).toBeLessThanOrEqual(Math.max(1, rows - 1));
        for (const line of lines) expect(displayWidth(line)).toBeLessThanOrEqual(Math.max(1, columns - 1));
        expect(lines.join('\n')).not.toMatch(/in -|\u001b/);
      },
    ),
    { numRuns: cases(2000) },
  );
});

test('a pause is told as fully as the line has room for', () => {
  const pause = { reason: 'usage-limit', until: RESET, window: 'five_hour' } as const;
  const shown = [80, 60, 40, 25, 10].map((columns) => describePause(pause, START, columns));
  expect(shown).toEqual([
    'Paused: usage limit (5-hour) · goes on at 14:30, in 1 h 12 min',
    'Paused: usage limit · goes on at 14:30, in 1 h 12 min',
    'Paused until 14:30, in 1 h 12 min',
    'Paused until 14:30',
    'Paused un…',
  ]);
  expect(describePause({ ...pause, reason: 'outage', window: null }, START, 80)).toBe(
    'Paused: outage · tries again at 14:30, in 1 h 12 min',
  );
});

test('how much is used is a bar and a figure, whatever the API says', () => {
  const bar = (utilization: number | null, status: ShownWindow['status'] = 'allowed'): string =>
    drawUsageBar({ ...full('five_hour'), utilization, status }, 10, plain);
  expect([0, 0.999, 1, 1.25, -1, null].map((each) => bar(each))).toEqual([
    '──────────   0%',
    '━━━━━━━━━─  99%',
    '━━━━━━━━━━ 100%',
    '━━━━━━━━━━ 125%',
    '──────────   0%',
    '──────────    -',
  ]);
  expect(bar(null, 'rejected')).toBe('────────── full');
});

describe('line by line', () => {
  function lines(events: readonly Stamped[], level: Detail = 'quiet'): string[] {
    const stream = new MemoryStream();
    const reporter = plainReporter(new Output(stream), level, plain);
    for (const event of events) reporter.report(event);
    return stream.lines().map((line) => line.slice(21));
  }

  test('a pause, its end and a warning are one line each', () => {
    const resetsAt = new Date(RESET).toISOString();
    const told = { runId: 'run-1', account: 'Claude subscription', window: 'five_hour', resetsAt };
    const warning = stamp({ type: 'usage-warning', ...told, used: 80 }, 0);
    expect(lines([warning, paused(2 * MINUTE), resumed(72 * MINUTE)])).toEqual([
      '! 80 % of the 5-hour window of the Claude subscription is used; it resets at 14:30, in 1 h 12 min.',
      '‖ The usage limit is reached. The run goes on at 14:30, in 1 h 10 min.',
      '▶ The usage limit has reset: the run goes on.',
    ]);
  });

  test('a wait for money says who holds it', () => {
    const figures = { runId: 'run-1', heldUsd: 1.6, freeUsd: 0.4 };
    const level = lines([stamp({ type: 'budget-wait', waiting: 1, ...figures }, 0)], 'normal');
    expect(level).toEqual([
      '$ 1 task that could start waits for money: running tasks hold $1.60 of the budget, and $0.40 is free.',
    ]);
  });

  test('a pause is told again only where it lasts longer, has another reason, or is another one', () => {
    const again = [paused(0), paused(100), paused(200, RESET + MINUTE / 2)];
    expect(lines(again)).toHaveLength(1);
    expect(lines([...again, paused(300, RESET + 60 * MINUTE)])).toHaveLength(2);
    expect(lines([...again, paused(300, RESET, 'outage')])).toHaveLength(2);
    expect(lines([...again, resumed(300), paused(400)])).toHaveLength(3);
  });
});
