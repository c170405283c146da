import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Governor } from '../../src/governor.ts';
import { attemptEnd, costing } from '../rig/attempt-end.ts';

describe('Governor', () => {
  it('never grants more than the budget, whatever starts and ends in which order', () => {
    const steps = fc.array(
      fc.record({ start: fc.boolean(), pick: fc.nat(), spend: fc.double({ min: 0, max: 1, noNaN: true }) }),
      {
        maxLength: 60,
      },
    );
    fc.assert(
      fc.property(
        fc.double({ min: 0.01, max: 20, noNaN: true }),
        fc.integer({ min: 1, max: 6 }),
        steps,
        (budget, slots, script) => {
          const governor = new Governor({
            managerUsd: () => 0,
            maxCostUsd: budget,
            maxCostPerTaskUsd: null,
            slots,
          });
          const running = new Map<string, number>();
          let spent = 0;
          script.forEach(({ start, pick, spend }, index) => {
            if (start && running.size < slots) {
              const admission = governor.admit(String(index));
              if (admission.granted) running.set(String(index), admission.maxCostUsd ?? Infinity);
            } else if (running.size > 0) {
              const [id, grant] = [...running][pick % running.size] ?? ['', 0];
              running.delete(id);
              spent += grant * spend;
              governor.ended(id, attemptEnd('landed', { usage: costing(grant * spend) }));
            }
            const reserved = [...running.values()].reduce((sum, grant) => sum + grant, 0);
            expect(spent + reserved).toBeLessThanOrEqual(budget + 1e-9);
          });
        },
      ),
      { numRuns: 1000 },
    );
  });

  it('grants a free task its own ceiling', () => {
    const governor = new Governor({ managerUsd: () => 0, maxCostUsd: null, maxCostPerTaskUsd: 2, slots: 4 });
    expect(governor.admit('1')).toEqual({ granted: true, maxCostUsd: 2 });
  });

  it('counts all attempts at a task, of every run, against its own ceiling', () => {
    const governor = new Governor({ managerUsd: () => 0, maxCostUsd: null, maxCostPerTaskUsd: 2, slots: 4 });
    expect(governor.admit('1', costing(1.5))).toEqual({ granted: true, maxCostUsd: 0.5 });
    expect(governor.admit('1', costing(1.99))).toEqual({ granted: false, stop: null, wait: false });
    expect(governor.admit('2').granted).toBe(true);
    expect(governor.overBudget).toBe(1);
  });

  it('counts what the manager costs meanwhile', () => {
    let managerUsd = 0;
    const governor = new Governor({
      maxCostUsd: 1,
      maxCostPerTaskUsd: null,
      slots: 1,
      managerUsd: () => managerUsd,
    });
    managerUsd = 0.75;
    expect(governor.admit('1')).toEqual({ granted: true, maxCostUsd: 0.25 });
  });

  it('stops the run as over-budget once nothing is left and nobody holds any', () => {
    const governor = new Governor({ managerUsd: () => 0, maxCostUsd: 1, maxCostPerTaskUsd: null, slots: 1 });
    expect(governor.admit('1').granted).toBe(true);
    governor.ended('1', attemptEnd('landed', { usage: costing(0.99) }));
    expect(governor.admit('2')).toMatchObject({ granted: false, stop: { outcome: 'over-budget' } });
  });

  it('waits instead while running attempts still hold money', () => {
    const governor = new Governor({
      managerUsd: () => 0,
      maxCostUsd: 0.08,
      maxCostPerTaskUsd: null,
      slots: 2,
    });
    expect(governor.admit('1').granted).toBe(false);
    expect(
      new Governor({ managerUsd: () => 0, maxCostUsd: 0.2, maxCostPerTaskUsd: null, slots: 1 }).admit('1')
        .granted,
    ).toBe(true);
    const small = new Governor({ managerUsd: () => 0, maxCostUsd: 0.12, maxCostPerTaskUsd: null, slots: 2 });
    expect(small.admit('1').granted).toBe(true);
    expect(small.admit('2').granted).toBe(true);
    expect(small.admit('3')).toEqual({ granted: false, stop: null, wait: true });
  });

  it.each([
    ['usage-limited', 'paused-usage-limit'],
    ['unauthenticated', 'unauthenticated'],
    ['model-unavailable', 'completed-with-failures'],
  ] as const)('lets nothing start after %s', (outcome, run) => {
    const governor = new Governor({
      managerUsd: () => 0,
      maxCostUsd: null,
      maxCostPerTaskUsd: null,
      slots: 2,
    });
    governor.ended('1', attemptEnd(outcome, { message: 'why' }));
    expect(governor.admit('2')).toEqual({ granted: false, stop: { outcome: run, message: 'why' } });
  });

  it('takes a row of faults that no task is to blame for as one outage', () => {
    const governor = new Governor({
      managerUsd: () => 0,
      maxCostUsd: null,
      maxCostPerTaskUsd: null,
      slots: 2,
    });
    for (let fault = 0; fault < 4; fault++) governor.ended('1', attemptEnd('infrastructure'));
    governor.ended('1', attemptEnd('landed'));
    for (let fault = 0; fault < 4; fault++) governor.ended('1', attemptEnd('infrastructure'));
    expect(governor.stop).toBeNull();
    governor.ended('1', attemptEnd('infrastructure'));
    expect(governor.stop).not.toBeNull();
  });
});
