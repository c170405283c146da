import {
  isPlanWindow,
  computePause,
  type LimitObservation,
  type LimitPause,
} from '../../src/domain/usage-limit.ts';
import type { SeenWindow, UsageEntry, UsageLedger } from '../../src/usage/ledger.ts';

/** A ledger of one account in memory; `sharePerUsd` is the share of its windows that a dollar takes. */
export class MemoryLedger implements UsageLedger {
  readonly problem = null;
  readonly booked: UsageEntry[] = [];
  readonly #now: () => number;
  readonly #sharePerUsd: number | null;
  #windows: SeenWindow[] = [];
  #pause: LimitPause | undefined;

  constructor(now: () => number, sharePerUsd: number | null = null) {
    this.#now = now;
    this.#sharePerUsd = sharePerUsd;
  }

  observe(_role: 'manager' | 'worker', observation: LimitObservation): void {
    const now = this.#now();
    const pause = computePause(observation, now);
    if (pause !== undefined && pause.until > (this.#pause?.until ?? 0)) this.#pause = pause;
    for (const window of observation.windows) {
      this.#windows = this.#windows.filter(({ name }) => name !== window.name);
      this.#windows.push({ ...window, account: 'test', seenAt: now, sharePerUsd: this.#sharePerUsd });
    }
  }

  book(entry: UsageEntry): void {
    this.booked.push(entry);
  }

  windows(): readonly SeenWindow[] {
    return this.#windows
      .filter(({ resetsAt }) => resetsAt === null || resetsAt > this.#now())
      .sort((a, b) => Number(isPlanWindow(b)) - Number(isPlanWindow(a)));
  }

  pause(): LimitPause | undefined {
    return this.#pause !== undefined && this.#pause.until > this.#now() ? this.#pause : undefined;
  }

  usedSince(): [] {
    return [];
  }

  close(): void {
    // Nothing is open.
  }
}
