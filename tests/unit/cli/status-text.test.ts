import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatStatus, formatStatusLine } from '../../../src/cli/status-text.ts';
import { displayWidth } from '../../../src/domain/text/display-text.ts';
import { styles } from '../../../src/domain/text/styles.ts';
import { cases } from '../../rig/effort.ts';
import type { StatusReport } from '../../../src/app/contract/status.ts';

const usage = (model: string, input: number, costUsd: number): StatusReport['usage']['run'][number] => ({
  model,
  input,
  output: 0,
  cacheRead: 0,
  cacheWrite: 0,
  costUsd,
});

const RESET = '2026-11-22T17:00:00.000Z';

function report(text: string, state: 'running' | 'ended' | 'dead', count: number): StatusReport {
  const counts = { total: count, ready: 1, blocked: 0, pending: 1, 'in-progress': 1, review: 0, done: count };
  return {
    run: {
      runId: '20261122-114500-3f9a',
      state,
      pid: 123_456,
      outcome: state === 'ended' ? 'paused-usage-limit' : null,
      message: text,
      startedAt: '2026-11-22T11:45:00.000Z',
      endedAt: state === 'ended' ? '2026-11-22T12:45:00.000Z' : null,
      durationMs: 3_600_000,
      pausedMs: 60_000,
      cutOff: null,
      waitingForBudget: 0,
      paused:
        state === 'running'
          ? { reason: 'usage-limit', since: '2026-11-22T12:44:00.000Z', until: RESET, message: text }
          : null,
      workers: 16,
      billing: text,
      counts: { total: count, done: 0, running: 0, failed: 0, waiting: 0 },
      done: [],
      failed: [],
      running: [],
      left: [],
      usage: [],
      tokens: 0,
      costUsd: 0,
      spentUsd: 0,
      shortage: null,
      resetsAt: RESET,
      delivery: { kind: 'left', commit: 'abc', message: text, commands: [text] },
      directories: [],
    },
    running: [
      {
        taskId: '12.34',
        title: text,
        number: 3,
        model: 'sonnet',
        phase: 'verifying',
        startedAt: '2026-11-22T12:00:00.000Z',
        spentUsd: 0,
      },
    ],
    tasks: { ...counts, failed: 1, deferred: 0, cancelled: 0 },
    usage: {
      run: [usage('claude-sonnet-5-5', 1_234_567, 12.3)],
      last5h: [usage('claude-sonnet-5-5', 1_234_567, 12.3), usage(text, 1, 0)],
      last7d: [usage('claude-sonnet-5-5', 9_999_999_999, 123_456), usage(text, 1, 0)],
      account: { last5h: [], last7d: [usage('claude-opus-5-5', 1_234_567_890, 1e6), usage(text, 1, 0)] },
    },
    windows: [
      { account: text, window: 'five_hour', usedPercent: 100, status: 'rejected', resetsAt: RESET },
      { account: text, window: text, usedPercent: null, status: 'allowed', resetsAt: null },
    ],
    hasPlan: true,
    limit: { until: RESET, window: text },
    budget: { maxUsd: 1e9, spentUsd: 123_456.7, leftUsd: 1e9 - 123_456.7, maxPerTaskUsd: 2 },
    transcripts: { bytes: 1_500_000_000, at: RESET },
    attention: [{ taskId: '7', title: text, outcome: 'crashed', message: text, advice: text }],
    next: 'claude-orchestrator run',
  };
}

const texts = fc
  .array(fc.constantFrom('word', '漢字', '🎉', '\u001b[2J', 'e\u0301', '\n', 'x'.repeat(200)), {
    maxLength: 12,
  })
  .map((parts) => parts.join(' '));

test('no line is wider than the terminal, but for what is to be copied, and nothing from outside moves the cursor', () => {
  fc.assert(
    fc.property(
      texts,
      fc.constantFrom('running' as const, 'ended' as const, 'dead' as const),
      fc.integer({ min: 40, max: 200 }),
      (text, state, columns) => {
        const now = Date.parse('2026-11-22T12:45:00.000Z');
        const status = report(text, state, 12_345);
        const shown = formatStatus(status, { columns, style: styles(false), now });
        const lines = shown.split('\n').filter((line) => !line.startsWith('Take them with'));
        for (const line of lines) expect(displayWidth(line)).toBeLessThanOrEqual(columns);
        expect(shown + formatStatusLine(status, now)).not.toContain('\u001b');
      },
    ),
    { numRuns: cases(1_000) },
  );
});

test('a run that waits for a usage limit tells when it resets', () => {
  const now = Date.parse('2026-11-22T12:45:00.000Z');
  const shown = formatStatus(report('', 'ended', 3), { columns: 80, style: styles(false), now });
  expect(shown).toMatch(/^The usage limit resets at \d\d:\d\d, in 4 h 15 min\.$/m);
});

test('where the results of the last run are is told', () => {
  const ended = report('', 'ended', 1);
  if (ended.run === null) throw new Error('no run');
  const delivery = {
    kind: 'staged',
    commit: 'abc',
    message: 'They are staged on main.',
    commands: [],
  } as const;
  const shown = formatStatus(
    { ...ended, run: { ...ended.run, delivery } },
    { columns: 80, style: styles(false), now: 0 },
  );
  expect(shown).toContain('\nThey are staged on main.\n');
});

test('the commands that take undelivered results are told, each on one line', () => {
  const ended = report('', 'ended', 1);
  if (ended.run === null) throw new Error('no run');
  const commands = [`git stash && git merge ${'x'.repeat(60)} && git stash pop`, 'git status'];
  const message = 'Your file a.txt is in the way. The command commits your changes.';
  const delivery = { kind: 'left', commit: 'abc', message, commands } as const;
  const shown = formatStatus(
    { ...ended, run: { ...ended.run, delivery } },
    { columns: 40, style: styles(false), now: 0 },
  );
  expect(shown).toContain(`\nTake them with ${commands[0]}\n               git status\n`);
});

test('in one line, a run that is paused is told from one that works', () => {
  const now = Date.parse('2026-11-22T12:45:00.000Z');
  expect(formatStatusLine(report('', 'running', 3), now)).toContain(
    `run paused (usage limit) until ${RESET} · `,
  );
  const { run, ...rest } = report('', 'running', 3);
  if (run === null) throw new Error('no run');
  expect(formatStatusLine({ ...rest, run: { ...run, paused: null } }, now)).toContain('run running · ');
});

test('what stopped a run is told by the clock of who reads it', () => {
  const now = Date.parse('2026-11-22T12:45:00.000Z');
  const shown = formatStatus(report(`It resets at ${RESET}.`, 'ended', 3), {
    columns: 80,
    style: styles(false),
    now,
  });
  expect(shown).toMatch(/^It resets at \d\d:\d\d, in 4 h 15 min\.$/m);
});
