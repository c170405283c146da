import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Attempt, AttemptEnd } from '../../../src/domain/attempt.ts';
import { OUTCOME_POLICY, OUTCOMES } from '../../../src/domain/outcome.ts';
import { chooseSession, findSessionAttempts } from '../../../src/engine/continuation.ts';
import { attemptEnd, costing } from '../../rig/attempt-end.ts';
import { cases } from '../../rig/effort.ts';

const NOW = Date.parse('2026-01-02T00:00:00Z');
const MINUTE = 60_000;

function attempt(end: AttemptEnd | null, overrides: Partial<Attempt> = {}): Attempt {
  return {
    id: 1,
    runId: 'r',
    taskId: '1',
    number: 1,
    sessionId: 'a',
    resumed: false,
    forkedFrom: null,
    maxCostUsd: null,
    model: 'sonnet',
    directory: '/p',
    branch: null,
    base: null,
    landing: null,
    files: '/f',
    process: { pid: 1, startTime: 'x' },
    phase: 'working',
    startedAt: new Date(NOW - 20 * MINUTE).toISOString(),
    endedAt: new Date(NOW - 10 * MINUTE).toISOString(),
    end,
    ...overrides,
  };
}

/** An end after a reply of the model, with so many tokens in its session. */
const replied = (outcome: (typeof OUTCOMES)[number], contextTokens = 10_000): AttemptEnd =>
  attemptEnd(outcome, { contextTokens, usage: costing(0.1) });
const ago = (minutes: number): Partial<Attempt> => ({
  endedAt: new Date(NOW - minutes * MINUTE).toISOString(),
});

describe('a session', () => {
  test('is new for a first attempt, after success, and where the model would give the same answer again', () => {
    expect(chooseSession([], NOW)).toEqual({ kind: 'new' });
    for (const outcome of OUTCOMES.filter((one) => ['none', 'fresh'].includes(OUTCOME_POLICY[one].next)))
      expect(chooseSession([attempt(replied(outcome))], NOW)).toEqual({ kind: 'new' });
  });

  test('is resumed after an outcome that is not the task’s fault, however large and old it is', () => {
    const free = OUTCOMES.filter((outcome) => !OUTCOME_POLICY[outcome].charged);
    fc.assert(
      fc.property(
        fc.constantFrom(...free),
        fc.oneof(fc.nat(190_000), fc.integer({ min: 200_001, max: 950_000 })),
        fc.nat(100_000),
        (outcome, tokens, minutes) => {
          const earlier = [attempt(replied(outcome, tokens), ago(minutes))];
          expect(chooseSession(earlier, NOW)).toEqual({ kind: 'resume', sessionId: 'a' });
        },
      ),
      { numRuns: cases(2000) },
    );
  });

  test('is resumed although it was refused before its first reply', () => {
    for (const outcome of ['usage-limited', 'cancelled'] as const) {
      const refused = attempt(attemptEnd(outcome));
      const again = attempt(attemptEnd(outcome), { resumed: true });
      expect(chooseSession([refused, again], NOW)).toEqual({ kind: 'resume', sessionId: 'a' });
    }
    const outage = attemptEnd('infrastructure', { outage: true });
    expect(chooseSession([attempt(outage, { resumed: true })], NOW).kind).toBe('resume');
  });

  test.each([
    ['small and cold', 60_000, 600, 'resume'],
    ['large and warm', 150_000, 59, 'resume'],
    ['large and cold', 60_001, 60, 'new'],
    ['full', 195_000, 1, 'new'],
    ['full of a larger window', 990_000, 1, 'new'],
  ])('that is %s after a failure of the task: %#', (_, tokens, minutes, kind) => {
    expect(chooseSession([attempt(replied('verify-failed', tokens), ago(minutes))], NOW).kind).toBe(kind);
  });

  test('is measured at its last reply', () => {
    const worked = attempt(replied('usage-limited', 150_000), ago(300));
    const idle = attempt(attemptEnd('crashed'), ago(1));
    expect(chooseSession([worked, idle], NOW).kind).toBe('new');
  });

  test('is copied after a stall, and then the copy is resumed', () => {
    const stalled = attempt(replied('stalled'));
    expect(chooseSession([stalled], NOW)).toEqual({ kind: 'fork', of: 'a' });
    const copy = attempt(replied('cancelled'), { sessionId: 'b', resumed: true, forkedFrom: 'a' });
    expect(chooseSession([stalled, copy], NOW)).toEqual({ kind: 'resume', sessionId: 'b' });
    const resumed = attempt(replied('verify-failed'), { sessionId: 'b', resumed: true });
    expect(chooseSession([stalled, copy, resumed], NOW)).toEqual({ kind: 'resume', sessionId: 'b' });
  });

  test('is copied again where the copy has no reply', () => {
    const stalled = attempt(replied('stalled'));
    const copy = attempt(attemptEnd('usage-limited'), { sessionId: 'b', resumed: true, forkedFrom: 'a' });
    expect(chooseSession([stalled, copy], NOW)).toEqual({ kind: 'fork', of: 'a' });
  });

  test('is replaced by a new one once where it cannot be resumed', () => {
    const worked = attempt(replied('cancelled'));
    for (const outcome of ['crashed', 'refused', 'prompt-too-long', 'infrastructure'] as const) {
      const dead = attempt(attemptEnd(outcome), { resumed: true });
      expect(chooseSession([worked, dead], NOW)).toEqual({ kind: 'new' });
    }
    const unprepared = attempt(attemptEnd('infrastructure'), { resumed: true, process: null });
    expect(chooseSession([worked, unprepared], NOW).kind).toBe('resume');
    const fresh = attempt(attemptEnd('crashed'), { sessionId: 'c' });
    const dead = attempt(attemptEnd('crashed'), { resumed: true });
    expect(chooseSession([worked, dead, fresh], NOW)).toEqual({ kind: 'resume', sessionId: 'c' });
  });

  test('always exists, and is never one that just could not be resumed', () => {
    const ends = fc.record({
      outcome: fc.constantFrom(...OUTCOMES),
      contextTokens: fc.option(fc.nat(1_100_000)),
      outage: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(fc.tuple(ends, fc.nat(200)), { maxLength: 12 }), (steps) => {
        const earlier: Attempt[] = [];
        let next = 0;
        for (const [fields, minutes] of steps) {
          const choice = chooseSession(earlier, NOW);
          const known = earlier.map(({ sessionId }) => sessionId);
          if (choice.kind === 'resume') expect(known).toContain(choice.sessionId);
          if (choice.kind === 'fork') expect(known).toContain(choice.of);
          const last = earlier.at(-1);
          const isDead =
            last?.resumed === true &&
            last.end?.contextTokens === null &&
            ['crashed', 'refused', 'prompt-too-long'].includes(last.end.outcome) &&
            !last.end.outage;
          if (isDead) expect(choice.kind).toBe('new');
          const { outcome, ...facts } = fields;
          earlier.push(
            attempt(attemptEnd(outcome, facts), {
              sessionId: choice.kind === 'resume' ? choice.sessionId : `s${next++}`,
              resumed: choice.kind !== 'new',
              forkedFrom: choice.kind === 'fork' ? choice.of : null,
              ...ago(minutes),
            }),
          );
        }
      }),
      { numRuns: cases(3000) },
    );
  });

  test('holds its own attempts, after those of the sessions that it was copied from', () => {
    const a1 = attempt(replied('stalled'));
    const other = attempt(replied('crashed'), { sessionId: 'x' });
    const b1 = attempt(replied('stalled'), { sessionId: 'b', forkedFrom: 'a' });
    const a2 = attempt(replied('crashed'), { resumed: true });
    const c1 = attempt(replied('crashed'), { sessionId: 'c', forkedFrom: 'b' });
    const c2 = attempt(replied('crashed'), { sessionId: 'c' });
    const all = [a1, other, b1, a2, c1, c2];
    expect(findSessionAttempts(all, 'c')).toEqual([a1, b1, c1, c2]);
    expect(findSessionAttempts(all, 'a')).toEqual([a1, a2]);
    expect(findSessionAttempts(all, 'unknown')).toEqual([]);
  });
});
