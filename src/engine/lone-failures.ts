import type { TaskId } from '../domain/task.ts';

/** A task that meets so many outages, each of which passes for others, is what the API fails at. */
const MOST_PASSED = 2;
/** Where nobody else is left to show it, one that has passed for others says so when it was met as often as this. */
const MOST_MET = 6;

/** Tells a task whose session the API cannot answer from an API that answers nobody. */
export class LoneFailures {
  /** How many outages have passed. */
  #passed = 0;
  /** What tasks have met since the API answered them last, and how many outages had passed by then. */
  readonly #met = new Map<TaskId, { readonly times: number; readonly passedBefore: number }>();

  /** The API answers again. */
  outagePassed(): void {
    this.#passed++;
  }

  /**
   * The API has answered this task to the end. What breaks off says nothing: a reply that always does so costs money
   * each time.
   */
  answered(taskId: TaskId): void {
    this.#met.delete(taskId);
  }

  /** An attempt at this task has met an outage. Says whether by now it is the task at which the API fails. */
  met(taskId: TaskId): boolean {
    const { times, passedBefore } = this.#met.get(taskId) ?? { times: 0, passedBefore: this.#passed };
    this.#met.set(taskId, { times: times + 1, passedBefore });
    const passed = this.#passed - passedBefore;
    return passed >= MOST_PASSED || (passed > 0 && times + 1 >= MOST_MET);
  }
}
