import { fail } from '../domain/failure.ts';
import type { TaskId } from '../domain/task.ts';
import { idOf, keyOf, parentsOf, readStates, readSubtasks, type TaskKey } from './task-rows.ts';
import { followSubtasks, type StoreContext } from './task-status.ts';

/** Deletes tasks, groups with their subtasks; returns every id that went, ordered. */
export function deleteTasks(store: StoreContext, ids: readonly TaskId[], force: boolean): TaskId[] {
  const { db, tag } = store;
  const keys = new Map<TaskId, TaskKey>();
  for (const state of readStates(db, tag, ids)) {
    for (const key of [state, ...readSubtasks(db, tag, state)]) keys.set(idOf(key), key);
  }
  if (!force) refuseIfNeeded(store, keys);
  const removed = [...keys.values()].sort((a, b) => a.number - b.number || a.sub - b.sub).map(idOf);
  removeTasks(store, removed, store.log.now());
  return removed;
}

/** Removes these tasks and every dependency on them, with the events that tell so. */
export function removeTasks(store: StoreContext, ids: readonly TaskId[], at: string): void {
  if (ids.length === 0) return;
  const { db, tag, log } = store;
  const removed = new Set(ids);
  const keys = ids.map(keyOf);
  for (const key of keys) {
    for (const dependent of dependentsOf(store, key)) {
      if (removed.has(dependent)) continue;
      removeDependency(store, dependent, idOf(key), at);
    }
  }
  const unlink = db.sql('DELETE FROM dependencies WHERE tag = ? AND needs_number = ? AND needs_sub = ?');
  const remove = db.sql('DELETE FROM tasks WHERE tag = ? AND number = ? AND sub = ?');
  for (const { number, sub } of keys) unlink.run(tag, number, sub);
  for (const { number, sub } of keys) remove.run(tag, number, sub);
  log.append({ type: 'tasks-deleted', taskIds: ids }, at);
  for (const parent of parentsOf(keys)) followSubtasks(store, parent, at);
}

/** False if there was no such dependency. */
export function removeDependency(
  { db, tag, log }: StoreContext,
  id: TaskId,
  dependsOn: TaskId,
  at: string,
): boolean {
  const own = keyOf(id);
  const need = keyOf(dependsOn);
  const { changes } = db
    .sql(
      `DELETE FROM dependencies
       WHERE tag = ? AND number = ? AND sub = ? AND needs_number = ? AND needs_sub = ?`,
    )
    .run(tag, own.number, own.sub, need.number, need.sub);
  if (changes === 0) return false;
  log.append({ type: 'dependency-removed', taskId: idOf(own), dependsOn: idOf(need) }, at);
  return true;
}

function refuseIfNeeded(store: StoreContext, removed: ReadonlyMap<TaskId, TaskKey>): void {
  const reasons: string[] = [];
  for (const [id, key] of removed) {
    const dependents = dependentsOf(store, key).filter((dependent) => !removed.has(dependent));
    if (dependents.length > 0) reasons.push(`Task ${id} is needed by ${dependents.join(', ')}.`);
  }
  if (reasons.length === 0) return;
  fail(
    'task-needed',
    `${reasons.join('\n')}\nNothing was deleted.`,
    'Delete those too, or use --force, which drops their dependency on it.',
  );
}

function dependentsOf({ db, tag }: StoreContext, { number, sub }: TaskKey): TaskId[] {
  return db
    .sql<TaskKey>(
      `SELECT number, sub FROM dependencies
       WHERE tag = ? AND needs_number = ? AND needs_sub = ? ORDER BY number, sub`,
    )
    .all(tag, number, sub)
    .map(idOf);
}
