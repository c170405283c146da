import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Stamped } from '../../../src/domain/event.ts';
import { findBudgetShortfall } from '../../../src/domain/budget-shortfall.ts';
import { makeTask } from '../../rig/arbitrary-tasks.ts';
import { cases } from '../../rig/effort.ts';

const NONE = { events: [], spentUsd: 0, maxTaskUsd: 0, open: [], history: [], model: 'sonnet' };

function started(maxCostUsd: number | null, maxCostPerTaskUsd: number | null): readonly Stamped[] {
  const run = { runId: 'run-1', workers: 2, tasks: 3, billing: '', at: '2026-01-01T00:00:00.000Z' };
  return [{ type: 'run-started', ...run, maxCostUsd, maxCostPerTaskUsd }];
}

test('the rest of the work fits into the named ceiling of the run, by the cost of finished work', () => {
  const open = [makeTask('1', { size: 'S' }), makeTask('2', { size: 'S' })];
  const finished = { size: 'S', estimateMinutes: null, minutes: 3, costUsd: 2, model: 'sonnet' } as const;
  const history = Array.from({ length: 50 }, () => finished);
  const events = started(5, null);
  expect(findBudgetShortfall({ ...NONE, events, spentUsd: 5, open, history })).toEqual({
    key: 'budget.max_cost_usd',
    neededUsd: 9,
  });
});

test('a task’s ceiling is the cause where the run has money left, or no ceiling', () => {
  const stopped = { ...NONE, spentUsd: 3, maxTaskUsd: 1.4 };
  const ofTask = { key: 'budget.max_cost_per_task_usd', neededUsd: 3 };
  expect(findBudgetShortfall({ ...stopped, events: started(null, 1) })).toEqual(ofTask);
  expect(findBudgetShortfall({ ...stopped, events: started(10, 1) })).toEqual(ofTask);
  expect(findBudgetShortfall({ ...stopped, events: started(3, 1) }).key).toBe('budget.max_cost_usd');
  expect(findBudgetShortfall(stopped).key).toBe('budget.max_cost_usd');
});

test('the named ceiling is always higher than before', () => {
  const dollars = fc.double({ min: 0.01, max: 10_000, noNaN: true });
  const ceiling = fc.option(dollars);
  fc.assert(
    fc.property(ceiling, ceiling, dollars, dollars, (maxUsd, perTaskUsd, spentUsd, maxTaskUsd) => {
      const { key, neededUsd } = findBudgetShortfall({
        ...NONE,
        events: started(maxUsd, perTaskUsd),
        spentUsd,
        maxTaskUsd,
      });
      const [before, used] = key === 'budget.max_cost_usd' ? [maxUsd, spentUsd] : [perTaskUsd, maxTaskUsd];
      expect(neededUsd).toBeGreaterThan(before ?? 0);
      expect(neededUsd).toBeGreaterThanOrEqual(used);
    }),
    { numRuns: cases(2000) },
  );
});
