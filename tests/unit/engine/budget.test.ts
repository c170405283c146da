import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Budget, type BudgetOptions } from '../../../src/engine/budget.ts';
import { cases } from '../../rig/effort.ts';

function budget(options: Partial<BudgetOptions>): Budget {
  return new Budget({
    maxCostUsd: null,
    maxCostPerTaskUsd: null,
    slots: 4,
    carriedUsd: 0,
    reviews: false,
    ...options,
  });
}

const ask = (taskId: string, expectedUsd = 0.5, earlierUsd = 0, ready = 9) => ({
  taskId,
  expectedUsd,
  earlierUsd,
  ready,
  open: ready,
});

describe('Budget', () => {
  it('never grants more than is left, in any order of starts and ends', () => {
    const steps = fc.array(
      fc.record({
        start: fc.boolean(),
        pick: fc.nat(),
        spend: fc.double({ min: 0, max: 1, noNaN: true }),
        expected: fc.double({ min: 0.01, max: 5, noNaN: true }),
        waiting: fc.nat(10),
      }),
      { maxLength: 60 },
    );
    fc.assert(
      fc.property(
        fc.double({ min: 0.01, max: 20, noNaN: true }),
        fc.double({ min: 0, max: 25, noNaN: true }),
        fc.integer({ min: 1, max: 6 }),
        steps,
        (maxCostUsd, carriedUsd, slots, script) => {
          const money = budget({ maxCostUsd, carriedUsd, slots });
          const running = new Map<string, number>();
          let spent = carriedUsd;
          script.forEach(({ start, pick, spend, expected, waiting }, index) => {
            if (start && running.size < slots) {
              const grant = money.grant(ask(String(index), expected, 0, waiting));
              if (grant.kind === 'granted') running.set(String(index), grant.reservedUsd ?? Infinity);
            } else if (running.size > 0) {
              const [id, grant] = [...running][pick % running.size] ?? ['', 0];
              running.delete(id);
              spent += grant * spend;
              money.release(id, grant * spend);
            }
            const reserved = [...running.values()].reduce((sum, grant) => sum + grant, 0);
            if (reserved > 0) expect(spent + reserved).toBeLessThanOrEqual(maxCostUsd + 1e-9);
          });
        },
      ),
      { numRuns: cases(3000) },
    );
  });

  it('gives a task its own ceiling, and counts all its attempts against it', () => {
    const money = budget({ maxCostPerTaskUsd: 2 });
    expect(money.grant(ask('1'))).toEqual({ kind: 'granted', reservedUsd: null, workerUsd: 2 });
    expect(money.grant(ask('2', 0.5, 1.5))).toMatchObject({ workerUsd: 0.5 });
    expect(money.grant(ask('3', 0.5, 1.99))).toEqual({ kind: 'task-spent' });
  });

  it('counts the cost of the runs that it continues, and of the manager', () => {
    const money = budget({ maxCostUsd: 10, carriedUsd: 4 });
    money.chargeManager(5.98);
    expect(money.spentUsd).toBeCloseTo(9.98);
    expect(money.grant(ask('1'))).toEqual({ kind: 'run-spent' });
    expect(money.mayAskManager()).toBe(true);
    money.chargeManager(0.02);
    expect(money.mayAskManager()).toBe(false);
  });

  it('starts no attempt below its expected cost while others hold money that they may give back', () => {
    const money = budget({ maxCostUsd: 2, slots: 4 });
    expect(money.grant(ask('1', 0.9))).toMatchObject({ kind: 'granted', reservedUsd: 0.9 });
    expect(money.grant(ask('2', 1.2))).toEqual({ kind: 'wait' });
    expect(money.grant(ask('3', 0.1))).toMatchObject({ kind: 'granted' });
    money.release('1', 0.2);
    expect(money.grant(ask('2', 1.2))).toMatchObject({ kind: 'granted' });
  });

  it('keeps a share for every free worker while running tasks may make more tasks ready', () => {
    const money = budget({ maxCostUsd: 8, slots: 4 });
    expect(money.grant({ ...ask('1', 0.5, 0, 1), open: 9 })).toMatchObject({ reservedUsd: 2 });
    expect(money.grant({ ...ask('2', 0.5, 0, 0), open: 9 })).toMatchObject({ reservedUsd: 2 });
    expect(money.leftUsd).toBe(4);
  });

  it('gives the last task all that is left', () => {
    expect(budget({ maxCostUsd: 3 }).grant(ask('1', 9, 0, 0))).toMatchObject({ reservedUsd: 3 });
  });

  it('keeps a part of each grant for the review, and holds the money of adopted attempts', () => {
    const money = budget({ maxCostUsd: 10, reviews: true, slots: 2 });
    money.adopt('1', 9);
    expect(money.leftUsd).toBe(1);
    expect(money.grant(ask('2'))).toEqual({ kind: 'granted', reservedUsd: 1, workerUsd: 0.85 });
  });

  it('does not allow calls of the manager once running attempts have used everything', () => {
    const money = budget({ maxCostUsd: 1 });
    money.grant(ask('1', 0.5, 0, 0));
    expect(money.mayAskManager()).toBe(true);
    money.recordUse('1', 1.01);
    expect(money.mayAskManager()).toBe(false);
    expect(money.leftUsd).toBe(0);
  });
});
