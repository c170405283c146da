import type { Event } from '../domain/event.ts';
import type { Governor } from './governor.ts';
import type { Pause } from './circuit-breaker.ts';

type Causes = Pick<Governor, 'pause' | 'stop' | 'warnings' | 'shortage'>;

/** Tells what keeps a run from starting more and what is near to it, each thing once. */
export class PauseNotifier {
  readonly #runId: string;
  readonly #governor: Causes;
  readonly #tell: (event: Event) => void;
  #told: Pause | null = null;
  #isShort = false;

  constructor(runId: string, governor: Causes, tell: (event: Event) => void) {
    this.#runId = runId;
    this.#governor = governor;
    this.#tell = tell;
  }

  /** Says whether there was anything. */
  tell(): boolean {
    const runId = this.#runId;
    const warnings = this.#governor.warnings();
    for (const { account, name, utilization, resetsAt } of warnings) {
      this.#tell({
        type: 'usage-warning',
        runId,
        account,
        window: name,
        used: (utilization ?? 0) * 100,
        resetsAt: resetsAt === null ? null : iso(resetsAt),
      });
    }
    this.#tellShortage();
    const { pause, stop } = this.#governor;
    const before = this.#told;
    // A run that ends for something else says so in its last words.
    const isOver = stop !== null && stop.outcome !== 'paused-usage-limit';
    if (pause === before || isOver) return warnings.length > 0;
    this.#told = pause;
    if (pause === null) {
      if (before !== null) this.#tell({ type: 'run-resumed', runId, reason: before.reason });
    } else {
      const { reason, until, cause } = pause;
      this.#tell({ type: 'run-paused', runId, reason, until: iso(until), message: cause });
    }
    return true;
  }

  #tellShortage(): void {
    const { shortage } = this.#governor;
    if ((shortage !== null) === this.#isShort) return;
    this.#isShort = shortage !== null;
    const figures = shortage ?? { waiting: 0, heldUsd: 0, freeUsd: 0 };
    this.#tell({ type: 'budget-wait', runId: this.#runId, ...figures });
  }
}

function iso(time: number): string {
  return new Date(time).toISOString();
}
