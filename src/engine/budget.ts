/** Ceilings on money, in US dollars at list price. */
export interface BudgetOptions {
  /** The ceiling of the run; null for none. */
  readonly maxCostUsd: number | null;
  /** The ceiling of all attempts at one task together, in any run; null for none. */
  readonly maxCostPerTaskUsd: number | null;
  readonly slots: number;
  /** The cost of the runs that this one continues. */
  readonly carriedUsd: number;
  /** Whether the manager reviews each change: then a part of each grant is kept for the review. */
  readonly reviews: boolean;
}

/** A task's request for the money of an attempt. */
export interface BudgetRequest {
  readonly taskId: string;
  /** The cost of earlier attempts at the task, in any run. */
  readonly earlierUsd: number;
  /** The expected cost of the attempt. */
  readonly expectedUsd: number;
  /** The number of other tasks that could start now, and of all tasks that have still to start. */
  readonly ready: number;
  readonly open: number;
}

/** The answer to a request. */
export type Grant =
  /** `reservedUsd` is held for the attempt; its worker may spend `workerUsd` of it. Null means no ceiling. */
  | { readonly kind: 'granted'; readonly reservedUsd: number | null; readonly workerUsd: number | null }
  /** Running attempts hold too much; ask again when one of them has ended. */
  | { readonly kind: 'wait' }
  /** The task itself has reached its ceiling. */
  | { readonly kind: 'task-spent' }
  | { readonly kind: 'run-spent' };

/** An attempt that cannot spend this much is not worth its start. */
const SMALLEST_GRANT_USD = 0.05;
/** The part of a grant that is kept for the review of its change. */
const REVIEW_SHARE = 0.15;

interface RunningCost {
  /** The money of the run that the attempt holds; null without a ceiling. */
  readonly reservedUsd: number | null;
  readonly expectedUsd: number;
  readonly usedUsd: number;
  /** A larger budget gave it more money than this one has, so it does not stop by itself. */
  readonly isUnbounded?: boolean;
}

/**
 * The money of one run: the spent part, the part that running attempts hold, and the free rest. Spent and held money
 * together never exceed the ceiling. So the run passes it at most by the last call of each running worker.
 */
export class Budget {
  readonly options: BudgetOptions;
  #spentUsd: number;
  readonly #running = new Map<string, RunningCost>();

  constructor(options: BudgetOptions) {
    this.options = options;
    this.#spentUsd = options.carriedUsd;
  }

  /** The cost of the run so far, with the runs that it continues and the use of running attempts. */
  get spentUsd(): number {
    return this.#spentUsd + this.#sum(({ usedUsd }) => usedUsd);
  }

  /** The money that is neither spent nor held; null without a ceiling. */
  get leftUsd(): number | null {
    const { maxCostUsd } = this.options;
    if (maxCostUsd === null) return null;
    const held = this.#sum(({ reservedUsd, usedUsd }) => Math.max(reservedUsd ?? 0, usedUsd));
    return Math.max(0, maxCostUsd - this.#spentUsd - held);
  }

  /** The money that running attempts hold and have not spent. */
  get heldUsd(): number {
    return this.#sum(({ reservedUsd, usedUsd }) => Math.max(0, (reservedUsd ?? 0) - usedUsd));
  }

  /** The money that running attempts are expected to use from here on. */
  get expectedUsd(): number {
    return this.#sum(({ expectedUsd, usedUsd }) => Math.max(0, expectedUsd - usedUsd));
  }

  /** Whether a slot is free for one more attempt. */
  get hasFreeSlot(): boolean {
    return this.#free > 0;
  }

  /** Asks for the money of an attempt. Granted money is held until `release`. */
  grant({ taskId, earlierUsd, expectedUsd, ready, open }: BudgetRequest): Grant {
    const { maxCostUsd, maxCostPerTaskUsd } = this.options;
    const ownRest = this.#restOf(earlierUsd);
    if (ownRest < Math.min(SMALLEST_GRANT_USD, maxCostPerTaskUsd ?? 0)) return { kind: 'task-spent' };
    const left = this.leftUsd;
    if (maxCostUsd === null || left === null) return this.#hold(taskId, expectedUsd, null, ownRest);

    // A running attempt may make tasks ready that want the free slots, and money, before this attempt ends.
    const others = ready + this.#running.size > 0 ? Math.min(this.#free - 1, open) : 0;
    const share = left / (1 + Math.max(0, others));
    // A task that was cut short gets as much again, so that it is not cut short for each cent.
    const again = Math.min(earlierUsd, left / 2);
    const wanted = Math.min(ownRest, Math.max(share, expectedUsd, again));
    const reserved = Math.min(left, wanted);
    const isLittle = reserved < Math.min(expectedUsd, ownRest) || reserved < SMALLEST_GRANT_USD;
    // An attempt that runs alone may have all that is left. If it is cut short, the next one continues it.
    if (isLittle && this.#running.size > 0) return { kind: 'wait' };
    if (left < Math.min(SMALLEST_GRANT_USD, maxCostUsd)) return { kind: 'run-spent' };
    return this.#hold(taskId, expectedUsd, reserved, reserved);
  }

  /** Whether a task that was cut short by its grant can get more money now. */
  hasMoreFor(earlierUsd: number): boolean {
    return Math.min(this.leftUsd ?? Infinity, this.#restOf(earlierUsd)) >= SMALLEST_GRANT_USD;
  }

  /** Holds the money that a killed orchestrator gave to an attempt, or all that is left where that is less. */
  adopt(taskId: string, givenUsd: number | null): void {
    const left = this.leftUsd;
    const isUnbounded = left !== null && left < (givenUsd ?? Infinity);
    const reservedUsd = isUnbounded ? left : givenUsd;
    this.#running.set(taskId, { reservedUsd, expectedUsd: 0, usedUsd: 0, isUnbounded });
  }

  /** Whether a running attempt has used all its money and does not stop by itself. */
  isOverdrawn(taskId: string): boolean {
    const running = this.#running.get(taskId);
    return running?.isUnbounded === true && running.usedUsd >= (running.reservedUsd ?? Infinity);
  }

  /** Records the use of a running attempt so far. Returns whether it has used more than before. */
  recordUse(taskId: string, usedUsd: number): boolean {
    const running = this.#running.get(taskId);
    if (running === undefined || usedUsd <= running.usedUsd) return false;
    this.#running.set(taskId, { ...running, usedUsd });
    return true;
  }

  /** Releases the money that an attempt holds, and books its cost. */
  release(taskId: string, costUsd: number): void {
    this.#running.delete(taskId);
    this.#spentUsd += costUsd;
  }

  /** Books the cost of a call of the manager. */
  chargeManager(costUsd: number): void {
    this.#spentUsd += costUsd;
  }

  /** Whether the manager may be called: not once the budget is spent. */
  mayAskManager(): boolean {
    const { maxCostUsd } = this.options;
    return maxCostUsd === null || this.spentUsd < maxCostUsd;
  }

  /** The money that a task may still cost, by its own ceiling. */
  #restOf(earlierUsd: number): number {
    return (this.options.maxCostPerTaskUsd ?? Infinity) - earlierUsd;
  }

  get #free(): number {
    return this.options.slots - this.#running.size;
  }

  #sum(part: (running: RunningCost) => number): number {
    let sum = 0;
    for (const running of this.#running.values()) sum += part(running);
    return sum;
  }

  #hold(taskId: string, expectedUsd: number, reservedUsd: number | null, maxUsd: number): Grant {
    this.#running.set(taskId, { reservedUsd, expectedUsd, usedUsd: 0 });
    const forReview = this.options.reviews && reservedUsd !== null ? REVIEW_SHARE : 0;
    return { kind: 'granted', reservedUsd, workerUsd: maxUsd === Infinity ? null : maxUsd * (1 - forReview) };
  }
}
