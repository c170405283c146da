import type { RunCounts, Stamped } from '../../domain/event.ts';
import { OUTCOME_POLICY } from '../../domain/outcome.ts';
import { isRunnable, isSettled, parentOf, type TaskId, type TaskStatus } from '../../domain/task.ts';

type TallyState = 'running' | 'done' | 'failed' | 'waiting';

/**
 * Counts the tasks of a run from its events: how many there were at the start, which were added or removed meanwhile,
 * and what has become of each task that was tried. The counts always add up to the total.
 */
export class TaskTally {
  #declared = 0;
  readonly #tried = new Map<TaskId, TallyState>();
  readonly #added = new Set<TaskId>();
  readonly #gone = new Set<TaskId>();
  readonly #groups = new Set<TaskId>();

  apply(event: Stamped): void {
    switch (event.type) {
      case 'run-started':
        this.#declared = event.tasks;
        for (const ids of [this.#tried, this.#added, this.#gone]) ids.clear();
        break;
      case 'attempt-started':
      case 'attempt-spawned':
      case 'attempt-phase':
      case 'attempt-progress':
        this.#set(event.taskId, 'running');
        break;
      case 'attempt-ended':
        // If the attempt did not succeed, the status that follows says whether the task has failed or is tried again.
        this.#set(event.taskId, OUTCOME_POLICY[event.end.outcome].success ? 'done' : 'waiting');
        break;
      case 'status-changed':
        this.#countStatus(event.taskId, event.from, event.to);
        break;
      case 'tasks-added':
        for (const id of event.taskIds) {
          this.#noteGroup(id);
          if (!this.#gone.delete(id)) this.#added.add(id);
        }
        break;
      case 'tasks-deleted':
        for (const id of event.taskIds) {
          this.#noteGroup(id);
          this.#tried.delete(id);
          if (!this.#added.delete(id)) this.#gone.add(id);
        }
        break;
      default:
    }
  }

  counts(): RunCounts {
    const counts = { done: 0, running: 0, failed: 0, waiting: 0 };
    let tried = 0;
    for (const [id, state] of this.#tried) {
      if (this.#groups.has(id)) continue;
      counts[state]++;
      tried++;
    }
    const total = Math.max(tried, this.#declared + this.#leaves(this.#added) - this.#leaves(this.#gone));
    return { total, ...counts, waiting: total - counts.done - counts.running - counts.failed };
  }

  /** Counts a new status. A person may have set it on a task that this run never tried. */
  #countStatus(id: TaskId, from: TaskStatus, to: TaskStatus): void {
    this.#noteGroup(id);
    if (to === 'cancelled' || to === 'deferred') {
      const counted = this.#tried.delete(id) || !(isSettled(from) || from === 'deferred');
      if (counted && !this.#added.delete(id)) this.#gone.add(id);
      return;
    }
    if (this.#tried.has(id)) {
      this.#set(id, to === 'done' || to === 'failed' ? to : to === 'pending' ? 'waiting' : 'running');
    } else if (to === 'done' && isRunnable(from)) {
      if (!this.#added.delete(id)) this.#gone.add(id);
    } else if (to === 'pending' && !isRunnable(from) && !this.#gone.delete(id)) {
      this.#added.add(id);
    }
  }

  #set(id: TaskId, state: TallyState): void {
    this.#noteGroup(id);
    this.#gone.delete(id);
    this.#tried.set(id, state);
  }

  /** Remembers the group of a subtask: a group is not counted, since its work is its subtasks. */
  #noteGroup(id: TaskId): void {
    const parent = parentOf(id);
    if (parent !== undefined) this.#groups.add(parent);
  }

  #leaves(ids: ReadonlySet<TaskId>): number {
    let leaves = 0;
    for (const id of ids) if (!this.#groups.has(id)) leaves++;
    return leaves;
  }
}
