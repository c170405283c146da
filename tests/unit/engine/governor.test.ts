import { describe, expect, it } from 'vitest';
import { Budget, type BudgetOptions } from '../../../src/engine/budget.ts';
import { Governor, type GovernorOptions } from '../../../src/engine/governor.ts';
import type { UsageWindow } from '../../../src/domain/usage-limit.ts';
import { attemptEnd, costing } from '../../rig/attempt-end.ts';
import { MemoryLedger } from '../../rig/memory-ledger.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

describe('Governor', () => {
  it('starts nothing after a refusal in any run, then one task, then all', () => {
    const { governor, ledger, clock } = rig();
    ledger.observe('worker', refused(2 * HOUR));
    governor.checkLimits(clock.now);
    expect(governor.startable(clock.now)).toBe(0);
    expect(governor.admit(ask('1'), clock.now)).toEqual({ kind: 'wait' });
    const cause = 'The 5-hour usage limit is reached.';
    expect(governor.pause).toMatchObject({ reason: 'usage-limit', since: 0, cause });

    clock.now = governor.pause?.until ?? 0;
    governor.checkLimits(clock.now);
    expect(governor.startable(clock.now)).toBe(1);
    expect(governor.admit(ask('1'), clock.now).kind).toBe('granted');
    expect(governor.startable(clock.now)).toBe(0);
    expect(governor.recordProgress('1', 0, clock.now)).toBe(false);
    expect(governor.recordProgress('1', 0.01, clock.now)).toBe(true);
    expect(governor.startable(clock.now)).toBe(Infinity);
    expect(governor.pause).toBeNull();
  });

  it('pauses for a refused attempt, also where only its end says so', () => {
    const { governor, ledger, clock } = rig();
    governor.admit(ask('1'), clock.now);
    governor.recordEnd(attempt('1'), attemptEnd('usage-limited', { resetsAt: 3 * HOUR }), clock.now);
    expect(ledger.pause()).toMatchObject({ until: 3 * HOUR });
    expect(governor.pause?.until).toBeGreaterThanOrEqual(3 * HOUR);
  });

  it('stops the run where the pause is longer than it may wait', () => {
    for (const [maxWaitMs, isStopped] of [
      [0, true],
      [HOUR, true],
      [3 * HOUR, false],
      [null, false],
    ] as const) {
      const { governor, ledger, clock } = rig({ maxWaitMs });
      ledger.observe('worker', refused(2 * HOUR));
      governor.checkLimits(clock.now);
      expect(governor.stop?.outcome).toBe(isStopped ? 'paused-usage-limit' : undefined);
    }
  });

  it('ignores the limits of earlier runs where it is told to, until it meets one itself', () => {
    const { governor, ledger, clock } = rig({ checkBeforeStart: false });
    ledger.observe('worker', refused(2 * HOUR));
    governor.checkLimits(clock.now);
    expect(governor.startable(clock.now)).toBe(Infinity);
    governor.admit(ask('1'), clock.now);
    governor.recordEnd(attempt('1'), attemptEnd('usage-limited', { resetsAt: 2 * HOUR }), clock.now);
    expect(governor.startable(clock.now)).toBe(0);
  });

  it('leaves the reserve of every window to the person', () => {
    const { governor, ledger, clock } = rig({ reservePercent: 20 });
    ledger.observe('worker', allowed({ utilization: 0.79, resetsAt: HOUR }));
    governor.checkLimits(clock.now);
    expect(governor.pause).toBeNull();
    ledger.observe('worker', allowed({ utilization: 0.8, resetsAt: HOUR }));
    governor.checkLimits(clock.now);
    const cause = 'The rest of the 5-hour usage limit is reserved for you: usage.reserve_percent keeps 20 %.';
    expect(governor.pause).toMatchObject({ reason: 'reserve', cause });
    expect(governor.pause?.until).toBeGreaterThanOrEqual(HOUR);
  });

  it('starts a smaller task where a larger one does not fit, and waits where none fits', () => {
    const { governor, ledger, clock } = rig({}, {}, 0.1);
    ledger.observe('worker', allowed({ utilization: 0.8, resetsAt: HOUR }));
    expect(governor.admit(ask('1', 3), clock.now)).toEqual({ kind: 'wait' });
    expect(governor.admit(ask('2', 1), clock.now).kind).toBe('granted');
    governor.pauseForPacing(clock.now);
    expect(governor.pause).toBeNull();
    governor.recordEnd(attempt('2'), attemptEnd('landed'), clock.now);
    expect(governor.admit(ask('1', 3), clock.now)).toEqual({ kind: 'wait' });
    governor.pauseForPacing(clock.now);
    expect(governor.pause).toMatchObject({ reason: 'pacing' });
  });

  it('warns of a window once until it resets', () => {
    const { governor, ledger, clock } = rig({ warnAtPercent: 80 });
    const seen = (utilization: number, resetsAt: number): number => {
      ledger.observe('worker', allowed({ utilization, resetsAt }));
      return governor.takeWarnings().length;
    };
    expect([seen(0.79, HOUR), seen(0.8, HOUR), seen(0.9, HOUR + 1)]).toEqual([0, 1, 0]);
    clock.now = 2 * HOUR;
    expect([seen(0.1, 6 * HOUR), seen(0.85, 6 * HOUR)]).toEqual([0, 1]);
  });

  it('treats equal failures of several tasks as one outage, and names the tasks', () => {
    const { governor, clock } = rig();
    const died = (taskId: string, message: string): string[] | null =>
      governor.recordEnd(attempt(taskId), attemptEnd('crashed', { message }), clock.now).correlated;
    expect(died('1', 'ended by SIGKILL after 3 s')).toBeNull();
    expect(died('2', 'something else')).toBeNull();
    expect(governor.pause).toBeNull();
    expect(died('3', 'ended by SIGKILL after 4 s')).toEqual(['1']);
    expect(governor.pause).toMatchObject({ reason: 'outage' });
  });

  it('does not treat repeated failures of one task as an outage', () => {
    const { governor, clock } = rig();
    for (let time = 0; time < 3; time++)
      expect(
        governor.recordEnd(attempt('1'), attemptEnd('crashed', { message: 'boom' }), clock.now).correlated,
      ).toBeNull();
    expect(governor.pause).toBeNull();
  });

  it('waits a day for a dead network, and less for a broken machine', () => {
    const tries = (outage: boolean): number => {
      const { governor, clock } = rig();
      let count = 0;
      while (governor.stop === null) {
        const taskId = String(++count);
        governor.admit(ask(taskId), clock.now);
        governor.recordEnd(
          attempt(taskId),
          attemptEnd('infrastructure', { message: 'no', outage }),
          clock.now,
        );
        clock.now = Math.max(clock.now, governor.pause?.until ?? 0);
      }
      expect(governor.stop.outcome).toBe('outage');
      return count;
    };
    expect(tries(true)).toBeGreaterThan(100);
    expect(tries(false)).toBeLessThan(10);
  });

  it('does not count a long wait for a limit as part of an outage during it or after it', () => {
    const { governor, ledger, clock } = rig();
    const lost = attemptEnd('infrastructure', { outage: true, message: 'Connection error.' });
    ledger.observe('worker', refused(60 * HOUR));
    governor.checkLimits(clock.now);
    governor.recordEnd(attempt('1'), lost, clock.now);
    expect(governor.stop).toBeNull();
    expect(governor.pause).toMatchObject({ reason: 'usage-limit' });
    clock.now = governor.pause?.until ?? 0;
    governor.recordEnd(attempt('2'), lost, clock.now);
    expect(governor.stop).toBeNull();
    expect(governor.pause).toMatchObject({ reason: 'outage', since: clock.now });
  });

  it('does not end a pause for work that landed without an answer of the API', () => {
    const { governor, ledger, clock } = rig();
    ledger.observe('worker', refused(2 * HOUR));
    governor.checkLimits(clock.now);
    clock.now = governor.pause?.until ?? 0;
    governor.admit(ask('1'), clock.now);
    governor.recordEnd(attempt('1'), attemptEnd('landed'), clock.now);
    expect(governor.startable(clock.now)).toBe(1);
    const review = { round: 1, verdict: 'approved', summary: '', findings: [], commit: null } as const;
    governor.admit(ask('2'), clock.now);
    governor.recordEnd(attempt('2'), attemptEnd('landed', { review }), clock.now);
    expect(governor.startable(clock.now)).toBe(Infinity);
  });

  it('waits for the throttling of a key also where the run does not wait for limits', () => {
    const stopAfter = (resetsAt: number): string | undefined => {
      const { governor, ledger, clock } = rig({ maxWaitMs: 0 });
      const window = { name: 'api_throttle', utilization: 1, status: 'rejected', resetsAt } as const;
      ledger.observe('manager', { windows: [window], overageInUse: false, refused: true });
      governor.checkLimits(clock.now);
      expect(governor.startable(clock.now)).toBe(0);
      return governor.stop?.outcome;
    };
    expect([stopAfter(5000), stopAfter(HOUR)]).toEqual([undefined, 'paused-usage-limit']);
  });

  it('finds a task whose replies always break off before it costs much', () => {
    const { governor, clock } = rig();
    let tries = 0;
    for (let correlated: string[] | null = []; correlated !== null; tries++) {
      governor.admit(ask('1'), clock.now);
      // A part of the reply arrives, with the first part of the cost.
      governor.recordProgress('1', 0.1, clock.now);
      const end = attemptEnd('infrastructure', { message: 'cut', outage: true, usage: costing(0.1) });
      ({ correlated } = governor.recordEnd(attempt('1'), end, clock.now));
      clock.now = Math.max(clock.now, governor.pause?.until ?? 0);
      expect(tries).toBeLessThan(5);
    }
    expect(governor.stop).toBeNull();
  });

  it('stops at once for a bad credential and a retired model', () => {
    for (const outcome of ['unauthenticated', 'model-unavailable'] as const) {
      const { governor, clock } = rig();
      governor.recordEnd(attempt('1'), attemptEnd(outcome, { message: 'why' }), clock.now);
      expect(governor.stop).toEqual({ outcome, message: 'why' });
      expect(governor.admit(ask('2'), clock.now)).toEqual({ kind: 'stopped' });
    }
  });

  it('shows the small amounts of a small budget', () => {
    const { governor, clock } = rig({}, { maxCostUsd: 0.004 });
    governor.admit(ask('1'), clock.now);
    governor.recordEnd(attempt('1'), attemptEnd('landed', { usage: costing(0.0042) }), clock.now);
    governor.admit(ask('2'), clock.now);
    expect(governor.stop?.message).toBe('$0.0042 of the $0.0040 budget is spent.');
  });

  it('says when the budget is spent, and by which runs', () => {
    const { governor, clock } = rig({}, { maxCostUsd: 5, carriedUsd: 3 });
    governor.admit(ask('1'), clock.now);
    governor.recordEnd(attempt('1'), attemptEnd('landed', { usage: costing(2) }), clock.now);
    expect(governor.admit(ask('2'), clock.now)).toEqual({ kind: 'stopped' });
    expect(governor.stop).toEqual({
      outcome: 'over-budget',
      message: '$5.00 of the $5.00 budget is spent, $3.00 of it by the runs that this one continues.',
    });
  });
});

function rig(
  options: Partial<GovernorOptions> = {},
  money: Partial<BudgetOptions> = {},
  sharePerUsd: number | null = null,
): { governor: Governor; ledger: MemoryLedger; clock: { now: number } } {
  const clock = { now: 0 };
  const ledger = new MemoryLedger(() => clock.now, sharePerUsd);
  const budget = new Budget({
    maxCostUsd: null,
    maxCostPerTaskUsd: null,
    slots: 4,
    carriedUsd: 0,
    reviews: false,
    ...money,
  });
  const all = { reservePercent: 0, warnAtPercent: 80, maxWaitMs: null, checkBeforeStart: true, ...options };
  return { governor: new Governor(all, budget, ledger, () => 0.5), ledger, clock };
}

const attempt = (taskId: string) => ({ taskId, startedAt: new Date(0).toISOString() });

const ask = (taskId: string, expectedUsd = 0.1) => ({
  taskId,
  expectedUsd,
  earlierUsd: 0,
  ready: 0,
  open: 0,
});

function refused(resetsAt: number) {
  const window = { name: 'five_hour', utilization: 1, status: 'rejected', resetsAt } as const;
  return { windows: [window], overageInUse: false, refused: true };
}

function allowed(window: Partial<UsageWindow>) {
  const whole = { name: 'five_hour', utilization: 0, status: 'allowed', resetsAt: null, ...window } as const;
  return { windows: [whole], overageInUse: false, refused: false };
}
