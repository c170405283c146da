import type { Stamped } from '../domain/event.ts';
import { deriveGroupStatus, isSettled, type TaskId, type TaskStatus } from '../domain/task.ts';
import type { StoreContext } from './event-log.ts';
import {
  idOf,
  parentsOf,
  readState,
  readStates,
  readSubtasks,
  type TaskKey,
  type TaskState,
} from './task-rows.ts';

/** Sets the status that a person asks for. A group passes it on to its subtasks, and parents follow their subtasks. */
export function setStatuses(
  store: StoreContext,
  ids: readonly TaskId[],
  status: TaskStatus,
  why: string,
): void {
  const at = store.log.now();
  const states = readStates(store.db, store.tag, ids);
  for (const state of states) {
    const subtasks = readSubtasks(store.db, store.tag, state);
    for (const subtask of subtasks) {
      if (appliesToSubtask(status, subtask.status)) changeStatus(store, subtask, status, why, at);
    }
    const derived = subtasks.length === 0 ? undefined : derivedStatus(store, state);
    changeStatus(store, state, derived ?? status, why, at);
  }
  for (const parent of parentsOf(states)) followSubtasks(store, parent, at);
}

/** Writes a task's new status with its event, unless it has that status already. */
export function changeStatus(
  { db, tag, log }: StoreContext,
  key: TaskKey,
  to: TaskStatus,
  why: string,
  at: string,
  run?: string,
): Stamped[] {
  const from = readState(db, tag, key)?.status;
  if (from === undefined || from === to) return [];
  db.sql('UPDATE tasks SET status = ?, updated_at = ? WHERE tag = ? AND number = ? AND sub = ?').run(
    to,
    at,
    tag,
    key.number,
    key.sub,
  );
  return [log.append({ type: 'status-changed', taskId: idOf(key), from, to, why }, at, run)];
}

/** Gives a group the status that follows from its subtasks. */
export function followSubtasks(store: StoreContext, group: TaskKey, at: string, run?: string): Stamped[] {
  const own = readState(store.db, store.tag, group);
  if (own === undefined) return [];
  const status = derivedStatus(store, group) ?? withoutSubtasks(store, own);
  return changeStatus(store, group, status, 'It follows its subtasks.', at, run);
}

function derivedStatus({ db, tag }: StoreContext, group: TaskKey): TaskStatus | undefined {
  return deriveGroupStatus(readSubtasks(db, tag, group).map(({ status }) => status));
}

/** The status of a task that has no subtasks left. Nobody works on it, and in progress it would never be run. */
function withoutSubtasks({ db, tag }: StoreContext, own: TaskState): TaskStatus {
  const isGroup = readSubtasks(db, tag, own).length > 0;
  return !isGroup && own.status === 'in-progress' ? 'pending' : own.status;
}

/**
 * Whether a group's new status applies to a subtask. Deferring a group leaves its finished subtasks as they are. In
 * progress, in review and failed apply to no subtask of a group.
 */
function appliesToSubtask(status: TaskStatus, subtask: TaskStatus): boolean {
  if (status === 'deferred') return !isSettled(subtask);
  return isSettled(status) || status === 'pending';
}
