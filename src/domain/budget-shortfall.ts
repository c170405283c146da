import { LearnedCosts, type FinishedWork } from './estimate.ts';
import type { Stamped } from './event.ts';
import type { Task } from './task.ts';

/** The ceiling that was too low for a run to go on, and what it has to be at least. */
export interface BudgetShortfall {
  readonly key: 'budget.max_cost_usd' | 'budget.max_cost_per_task_usd';
  /** Whole US dollars; what was spent so far is part of it. */
  readonly neededUsd: number;
}

/** What is known of a run that a budget has stopped. */
interface StoppedRun {
  /** With its `run-started`, which has the ceilings; without that event, the ceiling of the run is named. */
  readonly events: readonly Stamped[];
  /** What this run and the runs that it continues have spent. */
  readonly spentUsd: number;
  /** What the most expensive of its tasks has cost. */
  readonly maxTaskUsd: number;
  /** The tasks that are still to do. */
  readonly open: readonly Task[];
  readonly history: readonly FinishedWork[];
  readonly model: string;
}

/** Tells which ceiling stopped a run, and how far to raise it so that the rest of the work is likely to fit. */
export function budgetShortfall({
  events,
  spentUsd,
  maxTaskUsd,
  open,
  history,
  model,
}: StoppedRun): BudgetShortfall {
  const started = events.findLast((event) => event.type === 'run-started');
  const maxUsd = started?.maxCostUsd ?? null;
  const perTaskUsd = started?.maxCostPerTaskUsd ?? null;
  // While the run has money left, a task is given up only where its own ceiling is reached.
  if (perTaskUsd !== null && (maxUsd === null || spentUsd < maxUsd))
    return {
      key: 'budget.max_cost_per_task_usd',
      neededUsd: Math.ceil(2 * Math.max(perTaskUsd, maxTaskUsd)),
    };
  const { estimate } = new LearnedCosts(history, model);
  const expectedUsd = open.reduce((sum, task) => sum + estimate(task), 0);
  const likely = Math.ceil(spentUsd + expectedUsd);
  return { key: 'budget.max_cost_usd', neededUsd: Math.max(likely, Math.floor(maxUsd ?? 0) + 1) };
}
