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

/** Expected cost of a task with the model that is used, in US dollars at list price; always positive. */
export type CostEstimator = Estimator;

/** What a minute of work is expected to cost before there is a history of it, in US dollars. */
const PRIOR_USD_PER_MINUTE = 0.1;

/** How long this project's tasks really take, by its finished work. */
export function learnEstimates(history: readonly Timed[]): Estimator {
  const ratios = new Ratios();
  for (const work of history) ratios.add(work.size, work.minutes / planned(work));
  return (task) => planned(task) * ratios.factor(task.size);
}

type Timed = Pick<FinishedWork, 'size' | 'estimateMinutes' | 'minutes'>;

type Paid = Omit<FinishedWork, 'minutes'>;

/** What this project's tasks really cost, by its finished work; it goes on learning while a run finishes more. */
export class LearnedCosts {
  readonly #model: string;
  readonly #ofModel = new Ratios();
  readonly #ofAny = new Ratios();

  constructor(history: readonly Paid[], model: string) {
    this.#model = model;
    for (const work of history) this.learn(work);
  }

  /** Work with another model counts only as long as there is none with this one. */
  readonly estimate: CostEstimator = (task) => {
    const ratios = this.#ofModel.isEmpty ? this.#ofAny : this.#ofModel;
    return plannedUsd(task) * ratios.factor(task.size);
  };

  /** Takes in one more piece of finished work. */
  readonly learn = (work: Paid): void => {
    const ratios = work.model === this.#model ? this.#ofModel : this.#ofAny;
    ratios.add(work.size, work.costUsd / plannedUsd(work));
  };
}

/**
 * How many times what was planned work really took. Each size gets the geometric mean of its ratios, drawn towards that
 * over all sizes and that one towards 1 while there is little to learn from: run times are log-normal, so one slow task
 * must not count as many.
 */
class Ratios {
  readonly #all = { sum: 0, count: 0 };
  readonly #bySize = new Map<Size | null, { sum: number; count: number }>();

  get isEmpty(): boolean {
    return this.#all.count === 0;
  }

  add(size: Size | null, ratio: number): void {
    if (!(ratio > 0) || !Number.isFinite(ratio)) return;
    const log = Math.max(-MAX_LOG_RATIO, Math.min(MAX_LOG_RATIO, Math.log(ratio)));
    const ofSize = this.#bySize.get(size) ?? { sum: 0, count: 0 };
    this.#bySize.set(size, ofSize);
    for (const mean of [this.#all, ofSize]) {
      mean.sum += log;
      mean.count++;
    }
  }

  factor(size: Size | null): number {
    const overall = shrunk(this.#all, 0);
    const ofSize = this.#bySize.get(size);
    return Math.exp(ofSize === undefined ? overall : shrunk(ofSize, overall));
  }
}

function shrunk({ sum, count }: { readonly sum: number; readonly count: number }, towards: number): number {
  return (sum + towards * PRIOR_WEIGHT) / (count + PRIOR_WEIGHT);
}

function plannedUsd(task: Pick<Task, 'size' | 'estimateMinutes'>): number {
  return planned(task) * PRIOR_USD_PER_MINUTE;
}

function planned(task: Pick<Task, 'size' | 'estimateMinutes'>): number {
  const { estimateMinutes } = task;
  return estimateMinutes !== null && estimateMinutes > 0
    ? Math.max(0.1, estimateMinutes)
    : PRIOR_MINUTES[task.size ?? 'M'];
}
