import type { Event } from '../domain/event.ts';
import type { Pause } from './circuit-breaker.ts';
import type { Governor } from './governor.ts';

/** Reports what keeps a run from starting more work, and what soon will; each thing once. */
export class PauseNotifier {
  readonly #runId: string;
  readonly #governor: Pick<Governor, 'pause' | 'stop' | 'takeWarnings' | 'budgetWait'>;
  readonly #report: (event: Event) => void;
  #reported: Pause | null = null;
  #isWaiting = false;

  constructor(runId: string, governor: Governor, report: (event: Event) => void) {
    this.#runId = runId;
    this.#governor = governor;
    this.#report = report;
  }

  /** Reports what is new. Returns whether there was a warning or a change of the pause. */
  notify(): boolean {
    const runId = this.#runId;
    const warnings = this.#governor.takeWarnings();
    for (const { account, name, utilization, resetsAt } of warnings) {
      const used = (utilization ?? 0) * 100;
      const reset = resetsAt === null ? null : formatTime(resetsAt);
      this.#report({ type: 'usage-warning', runId, account, window: name, used, resetsAt: reset });
    }
    this.#notifyOfBudget();
    const { pause, stop } = this.#governor;
    const before = this.#reported;
    // A run that stops for another reason reports it when it ends.
    const isStopped = stop !== null && stop.outcome !== 'paused-usage-limit';
    if (pause === before || isStopped) return warnings.length > 0;
    this.#reported = pause;
    if (pause === null) {
      if (before !== null) this.#report({ type: 'run-resumed', runId, reason: before.reason });
    } else {
      const { reason, until, cause } = pause;
      this.#report({ type: 'run-paused', runId, reason, until: formatTime(until), message: cause });
    }
    return true;
  }

  #notifyOfBudget(): void {
    const { budgetWait } = this.#governor;
    if ((budgetWait !== null) === this.#isWaiting) return;
    this.#isWaiting = budgetWait !== null;
    const figures = budgetWait ?? { waiting: 0, heldUsd: 0, freeUsd: 0 };
    this.#report({ type: 'budget-wait', runId: this.#runId, ...figures });
  }
}

function formatTime(time: number): string {
  return new Date(time).toISOString();
}
