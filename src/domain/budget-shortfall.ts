import { LearnedCosts, type FinishedWork } from './estimate.ts';
import type { Stamped } from './event.ts';
import type { Task } from './task.ts';

/** The ceiling that stopped a run, and the amount to which it has to be raised at least. */
export interface BudgetShortfall {
  readonly key: 'budget.max_cost_usd' | 'budget.max_cost_per_task_usd';
  /** Whole US dollars, the money that is spent so far included. */
  readonly neededUsd: number;
}

/** The facts about a run that a budget has stopped. */
interface StoppedRun {
  /** The event `run-started` has the ceilings. Without it, the run's ceiling counts as the cause. */
  readonly events: readonly Stamped[];
  /** The cost of this run and of the runs that it continues. */
  readonly spentUsd: number;
  /** The cost of its most expensive task. */
  readonly maxTaskUsd: number;
  /** The tasks that are still to do. */
  readonly open: readonly Task[];
  readonly history: readonly FinishedWork[];
  readonly model: string;
}

/** Finds the ceiling that stopped a run, and how far to raise it so that the rest of the work is likely to fit. */
export function findBudgetShortfall({
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
  // While the run has money left, only a task's own ceiling can stop that task.
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
