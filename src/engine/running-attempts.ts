import type { Attempt, AttemptEnd } from '../domain/attempt.ts';
import type { TaskId } from '../domain/task.ts';

/** An attempt that has ended. */
export interface EndedAttempt {
  readonly attempt: Attempt;
  /** Undefined where it left no result. */
  readonly end: AttemptEnd | undefined;
  /** Whether it was stopped from outside. */
  readonly isStopped: boolean;
}

/** Follows attempts to their ends, and stops some or all of them. */
export class RunningAttempts {
  readonly #jobs = new Map<number, { readonly taskId: TaskId; readonly stop: AbortController }>();
  readonly #ended: EndedAttempt[] = [];
  #isStopping = false;
  readonly #onEnd: () => void;

  /** `onEnd` is called when `takeEnded` has something. */
  constructor(onEnd: () => void) {
    this.#onEnd = onEnd;
  }

  /** The number of running attempts. */
  get running(): number {
    return this.#jobs.size;
  }

  /** Whether attempts run, or have ended and are not taken yet. */
  get isBusy(): boolean {
    return this.#jobs.size + this.#ended.length > 0;
  }

  /** Follows an attempt. `work` never rejects, and resolves with undefined where the attempt left no result. */
  follow(attempt: Attempt, work: (signal: AbortSignal) => Promise<AttemptEnd | undefined>): void {
    const stop = new AbortController();
    if (this.#isStopping) stop.abort();
    this.#jobs.set(attempt.id, { taskId: attempt.taskId, stop });
    void work(stop.signal).then((end) => {
      this.#jobs.delete(attempt.id);
      this.#ended.push({ attempt, end, isStopped: stop.signal.aborted });
      // Not at once, so that attempts that end at the same time are taken together.
      setImmediate(this.#onEnd);
    });
  }

  /** The attempts that have ended since the last call. */
  takeEnded(): EndedAttempt[] {
    return this.#ended.splice(0);
  }

  /** Stops the attempts at tasks that are not wanted. */
  stopUnless(isWanted: (taskId: TaskId) => boolean): void {
    for (const { taskId, stop } of this.#jobs.values()) if (!isWanted(taskId)) stop.abort();
  }

  /** Stops all attempts, those that are still to come included. */
  stopAll(): void {
    this.#isStopping = true;
    this.stopUnless(() => false);
  }
}
