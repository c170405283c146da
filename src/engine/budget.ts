/** Ceilings on money, in US dollars at list price. */
export interface BudgetOptions {
  /** The most the run may cost; null for no ceiling. */
  readonly maxCostUsd: number | null;
  /** The most all attempts at one task may cost together, in any run. */
  readonly maxCostPerTaskUsd: number | null;
  readonly slots: number;
  /** What the runs have cost that this one continues. */
  readonly carriedUsd: number;
  /** Whether the manager looks at each change: then a part of each grant is kept for it. */
  readonly reviews: boolean;
}

/** What a task asks for. */
export interface BudgetRequest {
  readonly taskId: string;
  /** What earlier attempts at the task have cost, in any run. */
  readonly earlierUsd: number;
  /** What the attempt is expected to cost. */
  readonly expectedUsd: number;
  /** How many other tasks could start now, and how many have still to start at all. */
  readonly ready: number;
  readonly open: number;
}

/** What a task gets. */
export type Grant =
  /** `reservedUsd` is held for the attempt, `workerUsd` of it is what its worker may spend; null for no ceiling. */
  | { readonly kind: 'granted'; readonly reservedUsd: number | null; readonly workerUsd: number | null }
  /** Too little is left beside what running attempts hold; ask again when one has ended. */
  | { readonly kind: 'wait' }
  /** The task itself has spent what it may. */
  | { readonly kind: 'task-spent' }
  | { readonly kind: 'run-spent' };

/** An attempt that cannot spend this much is not worth its start. */
const SMALLEST_GRANT_USD = 0.05;
/** The part of a grant that is kept for the review of what comes of it. */
const REVIEW_SHARE = 0.15;

/**
 * The money of one run: what is spent, what running attempts hold, and what is left to be given out. The sum of what
 * is spent and held never exceeds the ceiling, so that it is passed by no more than each running worker's last call.
 */
export class Budget {
  readonly #options: BudgetOptions;
  #spentUsd: number;
  /** What running attempts hold, and what they have used of it so far; null where they hold nothing of the run's. */
  readonly #running = new Map<string, { readonly reservedUsd: number | null; readonly usedUsd: number }>();
  /** Attempts that were given more than this budget has, by one that was larger. */
  readonly #unbounded = new Set<string>();

  constructor(options: BudgetOptions) {
    this.#options = options;
    this.#spentUsd = options.carriedUsd;
  }

  get options(): BudgetOptions {
    return this.#options;
  }

  /** What the run has cost so far, with what it continues and what running attempts have used. */
  get spentUsd(): number {
    return [...this.#running.values()].reduce((sum, { usedUsd }) => sum + usedUsd, this.#spentUsd);
  }

  /** What nobody has spent or holds; null where there is no ceiling. */
  get leftUsd(): number | null {
    const { maxCostUsd } = this.#options;
    if (maxCostUsd === null) return null;
    const held = [...this.#running.values()].reduce(
      (sum, { reservedUsd, usedUsd }) => sum + Math.max(reservedUsd ?? 0, usedUsd),
      0,
    );
    return Math.max(0, maxCostUsd - this.#spentUsd - held);
  }

  /** What running attempts hold beyond what they have spent. */
  get heldUsd(): number {
    return [...this.#running.values()].reduce(
      (sum, { reservedUsd, usedUsd }) => sum + Math.max(0, (reservedUsd ?? 0) - usedUsd),
      0,
    );
  }

  /** Whether one more attempt could run, if there is money for it. */
  get hasFreeSlot(): boolean {
    return this.#free > 0;
  }

  /** Asks for an attempt's money; what is granted stays held until `ended`. */
  grant({ taskId, earlierUsd, expectedUsd, ready, open }: BudgetRequest): Grant {
    const { maxCostUsd, maxCostPerTaskUsd } = this.#options;
    const ownRest = maxCostPerTaskUsd === null ? null : maxCostPerTaskUsd - earlierUsd;
    if (ownRest !== null && ownRest < Math.min(SMALLEST_GRANT_USD, maxCostPerTaskUsd ?? 0))
      return { kind: 'task-spent' };
    const left = this.leftUsd;
    if (maxCostUsd === null || left === null) return this.#granted(taskId, null, ownRest);

    // While another one works, what that makes ready will want its slot, and money, before this one has ended.
    const others = ready + this.#running.size > 0 ? Math.min(this.#free - 1, open) : 0;
    const share = left / (1 + Math.max(0, others));
    // One that was cut short gets as much again: it must not be cut short for each cent.
    const again = Math.min(earlierUsd, left / 2);
    const wanted = Math.min(ownRest ?? Infinity, Math.max(share, expectedUsd, again));
    const reserved = Math.min(left, wanted);
    const isLittle = reserved < Math.min(expectedUsd, ownRest ?? Infinity) || reserved < SMALLEST_GRANT_USD;
    // Alone it may have all that is left: an attempt that is cut short goes on where it stopped.
    if (isLittle && this.#running.size > 0) return { kind: 'wait' };
    if (left < Math.min(SMALLEST_GRANT_USD, maxCostUsd)) return { kind: 'run-spent' };
    return this.#granted(taskId, reserved, reserved);
  }

  /** Whether a task that was cut short by what it held would get more now. */
  hasMoreFor(earlierUsd: number): boolean {
    const { maxCostPerTaskUsd } = this.#options;
    const ownRest = maxCostPerTaskUsd === null ? Infinity : maxCostPerTaskUsd - earlierUsd;
    return Math.min(this.leftUsd ?? Infinity, ownRest) >= SMALLEST_GRANT_USD;
  }

  /** Holds what an attempt was given by an orchestrator that was killed, or what is left where that is less. */
  adopt(taskId: string, givenUsd: number | null): void {
    const left = this.leftUsd;
    const isMore = left !== null && left < (givenUsd ?? Infinity);
    if (isMore) this.#unbounded.add(taskId);
    this.#running.set(taskId, { reservedUsd: isMore ? left : givenUsd, usedUsd: 0 });
  }

  /** Whether a running attempt has used all it may, and would go on beyond it unless it is ended. */
  isOverdrawn(taskId: string): boolean {
    const { reservedUsd, usedUsd } = this.#running.get(taskId) ?? { reservedUsd: null, usedUsd: 0 };
    return this.#unbounded.has(taskId) && reservedUsd !== null && usedUsd >= reservedUsd;
  }

  /** Says what a running attempt has used so far. */
  used(taskId: string, usedUsd: number): void {
    const running = this.#running.get(taskId);
    if (running !== undefined) this.#running.set(taskId, { ...running, usedUsd });
  }

  /** Gives back what the attempt holds, and books what it cost. */
  ended(taskId: string, costUsd: number): void {
    this.#running.delete(taskId);
    this.#unbounded.delete(taskId);
    this.#spentUsd += costUsd;
  }

  /** Books what a call of the manager cost. */
  managerSpent(costUsd: number): void {
    this.#spentUsd += costUsd;
  }

  /** Whether the manager may be asked: not once everything is spent. */
  mayAskManager(): boolean {
    const { maxCostUsd } = this.#options;
    return maxCostUsd === null || this.spentUsd < maxCostUsd;
  }

  get #free(): number {
    return this.#options.slots - this.#running.size;
  }

  #granted(taskId: string, reservedUsd: number | null, most: number | null): Grant {
    this.#running.set(taskId, { reservedUsd, usedUsd: 0 });
    const forReview = this.#options.reviews && reservedUsd !== null ? REVIEW_SHARE : 0;
    return { kind: 'granted', reservedUsd, workerUsd: most === null ? null : most * (1 - forReview) };
  }
}
