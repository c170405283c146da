import type { Size, Task } from './task.ts';

/** Minutes a worker is expected to need for each size, before this project has a history of its own. */
const PRIOR_MINUTES: Readonly<Record<Size, number>> = { S: 3, M: 8, L: 20, XL: 45 };

/** How many finished attempts the prior weighs as much as. */
const PRIOR_WEIGHT = 3;

/** A task that took twenty times what was planned says no more than that the plan was wrong. */
const MAX_LOG_RATIO = Math.log(20);

/** One finished piece of work: what was expected of it and how long it took. */
export interface FinishedWork {
  readonly size: Size | null;
  readonly estimateMinutes: number | null;
  readonly minutes: number;
  /** What all attempts of its session cost, in US dollars at list price. */
  readonly costUsd: number;
  readonly model: string;
}

/** Expected working time of a task, in minutes; always positive. */
export type Estimator = (task: Pick<Task, 'size' | 'estimateMinutes'>) => number;

/**
 * Learns from this project's finished work how long its tasks really take.
 *
 * Each size gets the geometric mean of the ratio of actual to planned time, drawn towards the ratio over all sizes
 * and that one towards 1 while there is little to learn from: run times are log-normal, so one slow task must not
 * count as many.
 */
export function learnEstimates(
  history: readonly Pick<FinishedWork, 'size' | 'estimateMinutes' | 'minutes'>[],
): Estimator {
  const factor = learnFactor(history, ({ minutes }) => minutes, planned);
  return (task) => planned(task) * factor(task.size);
}

/** Expected cost of a task with the model that is used, in US dollars at list price; always positive. */
export type CostEstimator = Estimator;

/** What a minute of work is expected to cost before there is a history of it, in US dollars. */
const PRIOR_USD_PER_MINUTE = 0.1;

/** Learns from finished work what tasks cost, in the same way; work with another model counts where there is no other. */
export function learnCosts(history: readonly FinishedWork[], model: string): CostEstimator {
  const ofModel = history.filter((work) => work.model === model);
  const plannedUsd = (work: Pick<Task, 'size' | 'estimateMinutes'>): number =>
    planned(work) * PRIOR_USD_PER_MINUTE;
  const factor = learnFactor(ofModel.length > 0 ? ofModel : history, ({ costUsd }) => costUsd, plannedUsd);
  return (task) => plannedUsd(task) * factor(task.size);
}

/** How many times what was planned work of each size really took. */
function learnFactor<W extends Pick<FinishedWork, 'size' | 'estimateMinutes'>>(
  history: readonly W[],
  actual: (work: W) => number,
  expected: (work: W) => number,
): (size: Size | null) => number {
  const logRatios = new Map<Size | null, number[]>();
  const all: number[] = [];
  for (const work of history) {
    if (!(actual(work) > 0) || !Number.isFinite(actual(work))) continue;
    const logRatio = Math.max(
      -MAX_LOG_RATIO,
      Math.min(MAX_LOG_RATIO, Math.log(actual(work) / expected(work))),
    );
    all.push(logRatio);
    const ofSize = logRatios.get(work.size);
    if (ofSize === undefined) logRatios.set(work.size, [logRatio]);
    else ofSize.push(logRatio);
  }
  const overall = shrunkMean(all, 0);
  const factors = new Map(
    [...logRatios].map(([size, ratios]) => [size, Math.exp(shrunkMean(ratios, overall))]),
  );
  return (size) => factors.get(size) ?? Math.exp(overall);
}

function planned(task: Pick<Task, 'size' | 'estimateMinutes'>): number {
  const { estimateMinutes } = task;
  return estimateMinutes !== null && estimateMinutes > 0
    ? Math.max(0.1, estimateMinutes)
    : PRIOR_MINUTES[task.size ?? 'M'];
}

function shrunkMean(values: readonly number[], towards: number): number {
  const sum = values.reduce((total, value) => total + value, towards * PRIOR_WEIGHT);
  return sum / (values.length + PRIOR_WEIGHT);
}
