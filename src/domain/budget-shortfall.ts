import type { Stamped } from './event.ts';
import { LearnedCosts, type FinishedWork } from './estimate.ts';
import type { Task } from './task.ts';

/** The ceiling that was too low for a run to go on, and what it has to be at least. */
export interface Shortage {
  readonly key: 'budget.max_cost_usd' | 'budget.max_cost_per_task_usd';
  /** Whole US dollars; what is spent already is in it. */
  readonly neededUsd: number;
}

/** What is known of a run that a budget has ended. */
interface Overrun {
  /** At least its `run-started`; without it, the ceiling of the run is taken for the one. */
  readonly events: readonly Stamped[];
  /** With what the runs have spent that it continues. */
  readonly spentUsd: number;
  /** The most that one of its tasks has cost. */
  readonly dearestUsd: number;
  /** The tasks that are still to do. */
  readonly open: readonly Task[];
  readonly history: readonly FinishedWork[];
  readonly model: string;
}

/** Tells which ceiling ended a run and how far to raise it: so far that what is left is likely to fit. */
export function shortageOf({ events, spentUsd, dearestUsd, open, history, model }: Overrun): Shortage {
  const started = events.findLast((event) => event.type === 'run-started');
  const maxUsd = started?.maxCostUsd ?? null;
  const perTaskUsd = started?.maxCostPerTaskUsd ?? null;
  // With money left for the run, a task is only given up where it may not have more itself.
  if (perTaskUsd !== null && (maxUsd === null || spentUsd < maxUsd))
    return {
      key: 'budget.max_cost_per_task_usd',
      neededUsd: Math.ceil(2 * Math.max(perTaskUsd, dearestUsd)),
    };
  const { estimate } = new LearnedCosts(history, model);
  const expectedUsd = open.reduce((sum, task) => sum + estimate(task), 0);
  const likely = Math.ceil(spentUsd + expectedUsd);
  return { key: 'budget.max_cost_usd', neededUsd: Math.max(likely, Math.floor(maxUsd ?? 0) + 1) };
}
