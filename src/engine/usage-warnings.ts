import { isPlanWindow } from '../domain/usage-limit.ts';
import type { SeenWindow } from '../usage/ledger.ts';

/** The same reset is told with small differences. */
const SAME_RESET_MS = 600_000;

/** Knows of which usage windows a person has been warned. */
export class UsageWarnings {
  readonly #atPercent: number;
  readonly #told = new Map<string, number>();

  /** `atPercent` of a window have to be used. */
  constructor(atPercent: number) {
    this.#atPercent = atPercent;
  }

  /** Those of the windows that a person is to be warned of now; each of them once until it resets. */
  due(windows: readonly SeenWindow[]): SeenWindow[] {
    return windows.filter((window) => {
      const { account, name, utilization, resetsAt } = window;
      if (!isPlanWindow(window) || utilization === null || utilization * 100 < this.#atPercent) return false;
      const key = `${account} ${name}`;
      const told = this.#told.get(key);
      if (told !== undefined && Math.abs((resetsAt ?? 0) - told) < SAME_RESET_MS) return false;
      this.#told.set(key, resetsAt ?? 0);
      return true;
    });
  }
}
