import type { AttemptEnd } from '../domain/attempt.ts';
import { failureSignature } from '../domain/failure-signature.ts';
import type { TaskId } from '../domain/task.ts';

/** Tells an outage of the API, the network or the machine from the failure of a single task. */
export class OutageDetector {
  readonly #correlated = new CorrelatedFailures();
  readonly #isolated = new IsolatedFailures();

  /**
   * Records the end of an attempt; `now` is in Unix milliseconds. Where it shows an outage, returns the other tasks whose
   * attempts failed for the same reason; else null. While `isProbing`, the attempt tests whether an outage is over, and
   * any failure that can be shared shows that it is not.
   */
  detect(taskId: TaskId, end: AttemptEnd, now: number, isProbing: boolean): TaskId[] | null {
    if (end.outage) return this.#isolated.record(taskId) ? null : [];
    if (end.outcome !== 'infrastructure' && end.outcome !== 'crashed') return null;
    const others = this.#correlated.record(taskId, failureSignature(end), now);
    return others.length > 0 || isProbing ? others : null;
  }

  /** Records that the API answered a task to the end. A reply that breaks off is no such answer. */
  recordAnswer(taskId: TaskId): void {
    this.#isolated.forget(taskId);
  }

  /** Records that an outage is over. */
  recordRecovery(): void {
    this.#isolated.recordRecovery();
  }
}

/** Failures with the same signature within this time have the same cause. */
const CORRELATION_MS = 60_000;

/** Finds attempts at different tasks that failed alike within a short time: the cause is not the tasks'. */
class CorrelatedFailures {
  #recent: { readonly taskId: TaskId; readonly signature: string; readonly at: number }[] = [];

  /** Records a failure and returns the other tasks that failed alike. */
  record(taskId: TaskId, signature: string, now: number): TaskId[] {
    this.#recent = this.#recent.filter(({ at }) => now - at < CORRELATION_MS);
    const alike = this.#recent.filter((other) => other.signature === signature && other.taskId !== taskId);
    this.#recent.push({ taskId, signature, at: now });
    return alike.map((other) => other.taskId);
  }
}

/** A task whose outages end this many times for other tasks, but not for itself, is the cause. */
const MAX_RECOVERIES = 2;
/** With at least one such recovery, this many outages of one task are enough: no other task may be left to show more. */
const MAX_OUTAGES = 6;

/** Finds a task whose session the API can never answer, while it answers other tasks. */
class IsolatedFailures {
  #recoveries = 0;
  /** The outages of each task since its last answer, and the recoveries before the first of them. */
  readonly #outages = new Map<TaskId, { readonly count: number; readonly recoveriesBefore: number }>();

  recordRecovery(): void {
    this.#recoveries++;
  }

  forget(taskId: TaskId): void {
    this.#outages.delete(taskId);
  }

  /** Records that a task met an outage. Returns whether the task itself is the cause. */
  record(taskId: TaskId): boolean {
    const { count, recoveriesBefore } = this.#outages.get(taskId) ?? {
      count: 0,
      recoveriesBefore: this.#recoveries,
    };
    this.#outages.set(taskId, { count: count + 1, recoveriesBefore });
    const recoveries = this.#recoveries - recoveriesBefore;
    return recoveries >= MAX_RECOVERIES || (recoveries > 0 && count + 1 >= MAX_OUTAGES);
  }
}
