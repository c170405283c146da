import { OUTCOME_POLICY, type AttemptEnd, type ModelUsage } from './attempt.ts';
import type { RunOutcome } from './event.ts';

export interface GovernorOptions {
  /** The most the run may spend, in US dollars; null for no ceiling. */
  readonly maxCostUsd: number | null;
  /** The most all attempts at one task may spend together. */
  readonly maxCostPerTaskUsd: number | null;
  readonly slots: number;
  /** What the manager has cost in this run so far, in US dollars. */
  readonly managerUsd: () => number;
}

/** Permission to start an attempt, or why nothing may start any more in this run. */
export type Admission =
  | { readonly granted: true; readonly maxCostUsd: number | null }
  | { readonly granted: false; readonly stop: Stop }
  /** Everything that is left is reserved by running attempts; ask again when one has ended. */
  | { readonly granted: false; readonly stop: null; readonly wait: true }
  /** The task itself has spent what it may. */
  | { readonly granted: false; readonly stop: null; readonly wait: false };

/** Why a run ends before all is done. */
export interface Stop {
  readonly outcome: RunOutcome;
  readonly message: string;
}

/** An attempt that cannot spend this much is not worth its start. */
const SMALLEST_GRANT_USD = 0.05;

/** So many attempts in a row that fail for no fault of their tasks are one fault of the machine or the network. */
const OUTAGE_AFTER = 5;

/** Decides whether a task may start now: is the breaker closed, and is there money left that nobody else holds? */
export class Governor {
  readonly #options: GovernorOptions;
  #attemptsUsd = 0;
  #faults = 0;
  #stop: Stop | null = null;
  #overBudget = 0;
  readonly #reserved = new Map<string, number>();

  constructor(options: GovernorOptions) {
    this.#options = options;
  }

  /** Why nothing starts any more, once that is so. */
  get stop(): Stop | null {
    return this.#stop;
  }

  /** How many tasks were left because they, not the run, had spent what they may. */
  get overBudget(): number {
    return this.#overBudget;
  }

  /**
   * Asks for permission to start an attempt at a task; what is granted stays reserved until `ended`. `earlier` is what
   * earlier attempts at the task have used, in any run.
   */
  admit(taskId: string, earlier: readonly ModelUsage[] = []): Admission {
    if (this.#stop !== null) return { granted: false, stop: this.#stop };
    const { maxCostUsd, maxCostPerTaskUsd, slots } = this.#options;
    const ownRest = maxCostPerTaskUsd === null ? null : maxCostPerTaskUsd - costOf(earlier);
    if (ownRest !== null && ownRest < Math.min(SMALLEST_GRANT_USD, maxCostPerTaskUsd ?? 0)) {
      this.#overBudget++;
      return { granted: false, stop: null, wait: false };
    }
    if (maxCostUsd === null) return { granted: true, maxCostUsd: ownRest };

    const reserved = [...this.#reserved.values()].reduce((sum, amount) => sum + amount, 0);
    const spent = this.#attemptsUsd + this.#options.managerUsd();
    const share = (maxCostUsd - spent - reserved) / Math.max(1, slots - this.#reserved.size);
    const grant = Math.min(share, ownRest ?? Infinity);
    if (grant < SMALLEST_GRANT_USD && this.#reserved.size > 0)
      return { granted: false, stop: null, wait: true };
    if (grant < Math.min(SMALLEST_GRANT_USD, maxCostUsd)) {
      this.#stop = {
        outcome: 'over-budget',
        message: `${usd(spent)} of the ${usd(maxCostUsd)} budget is spent; raise budget.max_cost_usd or --max-cost to go on.`,
      };
      return { granted: false, stop: this.#stop };
    }
    this.#reserved.set(taskId, grant);
    return { granted: true, maxCostUsd: grant };
  }

  /** Takes the end of an attempt into account; some outcomes end the whole run. */
  ended(taskId: string, end: AttemptEnd): void {
    this.#reserved.delete(taskId);
    this.#attemptsUsd += costOf(end.usage);
    if (end.outcome === 'over-budget') this.#overBudget++;
    this.#faults = end.outcome === 'infrastructure' ? this.#faults + 1 : 0;
    if (this.#stop !== null) return;
    if (OUTCOME_POLICY[end.outcome].stops === 'run') {
      this.#stop = { outcome: runOutcomeFor(end.outcome), message: end.message };
    } else if (this.#faults >= OUTAGE_AFTER) {
      this.#stop = {
        outcome: 'completed-with-failures',
        message: `${this.#faults} attempts in a row failed for no fault of their tasks; the last one: ${end.message}`,
      };
    }
  }

  /** Gives back what `admit` reserved for an attempt that never started. */
  withdraw(taskId: string): void {
    this.#reserved.delete(taskId);
  }
}

function runOutcomeFor(outcome: AttemptEnd['outcome']): RunOutcome {
  if (outcome === 'usage-limited') return 'paused-usage-limit';
  if (outcome === 'unauthenticated') return 'unauthenticated';
  return 'completed-with-failures';
}

function costOf(usage: readonly ModelUsage[]): number {
  return usage.reduce((sum, { costUsd }) => sum + costUsd, 0);
}

function usd(amount: number): string {
  return `$${amount.toFixed(2)}`;
}
