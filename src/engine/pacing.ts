import { isPlanWindow } from '../domain/usage-limit.ts';
import type { SeenWindow, UsageLedger } from '../usage/ledger.ts';

export interface PacingOptions {
  /** The percentage of each usage window that is reserved for the person. */
  readonly reservePercent: number;
  /** The percentage of a usage window at which a person is warned. */
  readonly warnAtPercent: number;
}

/**
 * The share of a window that a dollar at list price takes, before it is measured: five hours hold about fifty dollars.
 * There is no guess for other windows. They reset so late that a needless wait costs more than to meet the limit.
 */
const PRIOR_SHARE_PER_USD = { five_hour: 0.02 } as Readonly<Record<string, number>>;
/** No plan's window is smaller. A larger measured share means that the person used the window at the same time. */
const MAX_SHARE_PER_USD = 0.15;
/**
 * With this share of a window left, any task may start. A larger task is interrupted by a limit in any case, and
 * continues after it.
 */
const ALWAYS_ENOUGH = 0.5;
/** The same reset is reported with small differences. */
const SAME_RESET_MS = 600_000;
const UNKNOWN_RESET_MS = 3_600_000;

/** Compares the work of a run with the rest of the accounts' usage windows. Amounts are in US dollars. */
export class Pacing {
  readonly #reserve: number;
  readonly #warnAt: number;
  readonly #ledger: Pick<UsageLedger, 'windows'>;
  /** The reset of each window for which a warning was given. */
  readonly #warned = new Map<string, number>();

  constructor({ reservePercent, warnAtPercent }: PacingOptions, ledger: Pick<UsageLedger, 'windows'>) {
    this.#reserve = reservePercent / 100;
    this.#warnAt = warnAtPercent / 100;
    this.#ledger = ledger;
  }

  /** The windows of which only the person's reserve is left. */
  findAtReserve(now: number): SeenWindow[] {
    if (this.#reserve <= 0) return [];
    return this.#windows(now).filter(
      (window) => isPlanWindow(window) && (window.utilization ?? -1) >= 1 - this.#reserve,
    );
  }

  /**
   * Finds a window that is too small for a task: the rest, without the reserve and what running attempts are still
   * expected to take, is less than the task is expected to take.
   */
  findTooSmall(expectedUsd: number, runningUsd: number, now: number): SeenWindow | undefined {
    return this.#windows(now).find((window) => {
      const { utilization, status } = window;
      const share = window.sharePerUsd ?? PRIOR_SHARE_PER_USD[window.name];
      if (!isPlanWindow(window) || utilization === null || share === undefined) return false;
      // A window that is used up is no obstacle while usage beyond it is paid for.
      if (status === 'rejected') return false;
      const perUsd = Math.min(MAX_SHARE_PER_USD, share);
      const needed = Math.min(expectedUsd * perUsd, ALWAYS_ENOUGH * (1 - this.#reserve));
      return needed > 1 - this.#reserve - utilization - runningUsd * perUsd;
    });
  }

  /** The windows for which a warning is due now; each is returned once until it resets. */
  takeWarnings(): SeenWindow[] {
    return this.#ledger.windows().filter((window) => {
      const { account, name, utilization, resetsAt } = window;
      if (!isPlanWindow(window) || utilization === null || utilization < this.#warnAt) return false;
      const key = `${account} ${name}`;
      const warned = this.#warned.get(key);
      if (warned !== undefined && Math.abs((resetsAt ?? 0) - warned) < SAME_RESET_MS) return false;
      this.#warned.set(key, resetsAt ?? 0);
      return true;
    });
  }

  /** Windows with a known reset in the past are left out. One without a reset counts for an hour. */
  #windows(now: number): SeenWindow[] {
    return this.#ledger.windows().filter((window) => resetOf(window) > now);
  }
}

/** When a window resets, in Unix milliseconds; an hour after it was seen where that is unknown. */
export function resetOf({ resetsAt, seenAt }: SeenWindow): number {
  return resetsAt ?? seenAt + UNKNOWN_RESET_MS;
}
