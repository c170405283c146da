import type { Size, Task } from './task.ts';

/** Minutes a worker is expected to need for each size, before this project has a history of its own. */
const PRIOR_MINUTES: Readonly<Record<Size, number>> = { S: 3, M: 8, L: 20, XL: 45 };

/** The prior has the weight of this many finished attempts. */
const PRIOR_WEIGHT = 3;

/** A task that took more than twenty times its plan only shows that the plan was wrong. */
const MAX_LOG_RATIO = Math.log(20);

/** One finished piece of work: its plan, its time and its cost. */
export interface FinishedWork {
  readonly size: Size | null;
  readonly estimateMinutes: number | null;
  readonly minutes: number;
  /** The cost of all attempts in its session, in US dollars at list price. */
  readonly costUsd: number;
  readonly model: string;
}

type Planned = Pick<Task, 'size' | 'estimateMinutes'>;

/** Gives the expected working time of a task in minutes, or its cost in US dollars at list price; always positive. */
export type Estimator = (task: Planned) => number;

/** The expected cost of a minute of work in US dollars, before this project has a history of its own. */
const PRIOR_USD_PER_MINUTE = 0.1;

/** Learns from finished work how long this project's tasks really take. */
export function learnEstimates(history: readonly Omit<FinishedWork, 'costUsd' | 'model'>[]): Estimator {
  const ratios = new Ratios();
  for (const work of history) ratios.add(work.size, work.minutes / plannedMinutes(work));
  return (task) => plannedMinutes(task) * ratios.factor(task.size);
}

type Paid = Omit<FinishedWork, 'minutes'>;

/** Learns from finished work what this project's tasks really cost, also while a run finishes more. */
export class LearnedCosts {
  readonly #model: string;
  readonly #ofModel = new Ratios();
  readonly #ofAny = new Ratios();

  constructor(history: readonly Paid[], model: string) {
    this.#model = model;
    for (const work of history) this.learn(work);
  }

  /** Work with another model counts only while there is none with this one. */
  readonly estimate: Estimator = (task) => {
    const ratios = this.#ofModel.isEmpty ? this.#ofAny : this.#ofModel;
    return plannedUsd(task) * ratios.factor(task.size);
  };

  /** Learns from one more piece of finished work. */
  readonly learn = (work: Paid): void => {
    const ratios = work.model === this.#model ? this.#ofModel : this.#ofAny;
    ratios.add(work.size, work.costUsd / plannedUsd(work));
  };
}

/**
 * The ratios of actual to planned effort. A size gets the geometric mean of its ratios, because run times are log-normal
 * and one slow task must not count as many. With few ratios, the mean of a size is drawn towards the mean of all sizes,
 * and that one towards 1.
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
    const overall = shrink(this.#all, 0);
    const ofSize = this.#bySize.get(size);
    return Math.exp(ofSize === undefined ? overall : shrink(ofSize, overall));
  }
}

function shrink({ sum, count }: { readonly sum: number; readonly count: number }, towards: number): number {
  return (sum + towards * PRIOR_WEIGHT) / (count + PRIOR_WEIGHT);
}

function plannedUsd(task: Planned): number {
  return plannedMinutes(task) * PRIOR_USD_PER_MINUTE;
}

function plannedMinutes({ size, estimateMinutes }: Planned): number {
  const isPlanned = estimateMinutes !== null && estimateMinutes > 0;
  return isPlanned ? Math.max(0.1, estimateMinutes) : PRIOR_MINUTES[size ?? 'M'];
}
