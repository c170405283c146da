import type { Attempt, AttemptEnd } from '../domain/attempt.ts';
import type { TaskId } from '../domain/task.ts';

/** An attempt that is over; without an end it came to nothing. */
export interface EndedAttempt {
  readonly attempt: Attempt;
  readonly end: AttemptEnd | undefined;
  /** It was ended from outside. */
  readonly isStopped: boolean;
}

/** Follows attempts to their ends, and stops one of them or all. */
export class RunningAttempts {
  readonly #jobs = new Map<number, { readonly taskId: TaskId; readonly stop: AbortController }>();
  readonly #ended: EndedAttempt[] = [];
  #isStopping = false;
  readonly #onEnd: () => void;

  /** `onEnd` is called when there are ends to be taken. */
  constructor(onEnd: () => void) {
    this.#onEnd = onEnd;
  }

  /** How many are running. */
  get running(): number {
    return this.#jobs.size;
  }

  /** Whether some run, or have ended and were not taken yet. */
  get isBusy(): boolean {
    return this.#jobs.size + this.#ended.length > 0;
  }

  /** Follows an attempt; `work` never rejects, and resolves with undefined where the attempt came to nothing. */
  follow(attempt: Attempt, work: (signal: AbortSignal) => Promise<AttemptEnd | undefined>): void {
    const stop = new AbortController();
    if (this.#isStopping) stop.abort();
    this.#jobs.set(attempt.id, { taskId: attempt.taskId, stop });
    void work(stop.signal).then((end) => {
      this.#jobs.delete(attempt.id);
      this.#ended.push({ attempt, end, isStopped: stop.signal.aborted });
      // Not at once: others that have ended by now are taken with it.
      setImmediate(this.#onEnd);
    });
  }

  /** Those that have ended since it was last asked. */
  takeEnded(): EndedAttempt[] {
    return this.#ended.splice(0);
  }

  /** Ends the attempts at the tasks for which `isWanted` says no. */
  stopUnless(isWanted: (taskId: TaskId) => boolean): void {
    for (const { taskId, stop } of this.#jobs.values()) if (!isWanted(taskId)) stop.abort();
  }

  /** Ends all, also those that are still to come. */
  stopAll(): void {
    this.#isStopping = true;
    this.stopUnless(() => false);
  }
}
