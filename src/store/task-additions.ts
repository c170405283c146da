import { fail } from '../domain/failure.ts';
import type { GraphProblem } from '../domain/task-graph.ts';
import { compareTaskIds, parentOf, parseTaskId, type TaskDraft, type TaskId } from '../domain/task.ts';
import type { StoreContext } from './event-log.ts';
import type { SourceDocument, TaskStore } from './store.ts';
import { checkGraph, deleteTasks, requireNoProblems, removeTasks } from './task-changes.ts';
import { idOf, keyOf, parentsOf, readState, readSubtasks, readTasks, type TaskKey } from './task-rows.ts';
import { followSubtasks } from './task-status.ts';

/** Stores all drafts or throws `Failed`. Returns the ids they got, in the order of the drafts. */
export function addDrafts(
  store: StoreContext,
  drafts: readonly TaskDraft[],
  { source, replace = false, documents = [] }: Parameters<TaskStore['addTasks']>[1],
): TaskId[] {
  const at = store.log.now();
  if (replace === true) removeAllNotInProgress(store, at);
  else if (replace !== false) removePending(store, replace);
  requireNoProblems(drafts.length === 0 ? [] : ownProblems(drafts));
  const ids = freeIds(store, drafts);
  const rename = (id: TaskId): TaskId => ids.get(id) ?? id;
  const added = drafts.map((draft) => ({
    ...draft,
    id: rename(draft.id),
    dependencies: [...new Set(draft.dependencies.map((id) => rename(parseTaskId(id) ?? id)))],
  }));
  checkGraph([...readTasks(store.db, store.tag), ...added]);
  refuseGroupingOfRunning(
    store,
    added.map(({ id }) => keyOf(id)),
  );
  if (added.length > 0) insert(store, added, source, at);
  for (const parent of parentsOf(added.map(({ id }) => keyOf(id)))) followSubtasks(store, parent, at);
  saveDocuments(store, documents, replace === true);
  return added.map(({ id }) => id);
}

/**
 * Finds what is wrong with the ids of the drafts. This comes before they are renumbered, so that users recognise
 * them.
 */
function ownProblems(drafts: readonly TaskDraft[]): GraphProblem[] {
  const problems: GraphProblem[] = [];
  const seen = new Set<TaskId>();
  for (const { id } of drafts) {
    if (parseTaskId(id) !== id) problems.push({ kind: 'invalid-id', id });
    else if (seen.has(id)) problems.push({ kind: 'duplicate-id', id });
    seen.add(id);
  }
  return problems;
}

/** The id that each draft is stored with: its own id, unless an id of its numbering was taken meanwhile. */
function freeIds(store: StoreContext, drafts: readonly TaskDraft[]): Map<TaskId, TaskId> {
  const { db, tag } = store;
  const ids = new Map<TaskId, TaskId>();
  const sorted = drafts.map(({ id }) => id).sort(compareTaskIds);
  const isTaken = (id: TaskId): boolean => readState(db, tag, keyOf(id)) !== undefined;

  const tops = sorted.filter((id) => parentOf(id) === undefined);
  let last = tops.some(isTaken) ? lastNumber(store) : undefined;
  for (const id of tops) ids.set(id, last === undefined ? id : String(++last));

  for (const parent of new Set(sorted.map(parentOf))) {
    if (parent === undefined) continue;
    const subtasks = sorted.filter((id) => parentOf(id) === parent);
    const isParentNew = ids.has(parent);
    const { number } = keyOf(ids.get(parent) ?? parent);
    let lastSub =
      !isParentNew && subtasks.some(isTaken)
        ? readSubtasks(db, tag, { number, sub: 0 }).at(-1)?.sub
        : undefined;
    for (const id of subtasks) {
      ids.set(id, idOf({ number, sub: lastSub === undefined ? keyOf(id).sub : ++lastSub }));
    }
  }
  return ids;
}

function lastNumber({ db, tag }: StoreContext): number {
  return db.sql<{ last: number }>('SELECT max(number) AS last FROM tasks WHERE tag = ?').get(tag)?.last ?? 0;
}

/** A task with subtasks is never run itself, so a task that a worker works on must not get subtasks. */
function refuseGroupingOfRunning(store: StoreContext, added: readonly TaskKey[]): void {
  const running = parentsOf(added).filter(({ number }) => hasRunningAttempt(store, { number, sub: 0 }));
  if (running.length === 0) return;
  fail(
    'plan-invalid',
    `Task ${running.map(idOf).join(', ')} is being worked on and cannot get subtasks now; nothing was stored.`,
    'Wait for its worker to end, then try again.',
  );
}

function hasRunningAttempt({ db, tag }: StoreContext, key: TaskKey): boolean {
  return (
    db
      .sql(
        `SELECT 1 FROM attempts JOIN tasks USING (tag, number, sub, born)
         WHERE tag = ? AND number = ? AND sub = ? AND ended_at IS NULL`,
      )
      .get(tag, key.number, key.sub) !== undefined
  );
}

function removeAllNotInProgress(store: StoreContext, at: string): void {
  const tasks = readTasks(store.db, store.tag);
  const groups = new Set(tasks.map(({ id }) => parentOf(id)));
  const kept = new Set<TaskId | undefined>();
  for (const { id, status } of tasks) {
    if (groups.has(id) || (status !== 'in-progress' && !hasRunningAttempt(store, keyOf(id)))) continue;
    kept.add(id).add(parentOf(id));
  }
  removeTasks(
    store,
    tasks.map(({ id }) => id).filter((id) => !kept.has(id)),
    at,
  );
}

/** Tasks that a worker has started on meanwhile stay. */
function removePending(store: StoreContext, ids: readonly TaskId[]): void {
  const given = new Set(ids);
  const pending = readTasks(store.db, store.tag)
    .filter(({ id, status }) => given.has(id) && status === 'pending' && !hasRunningAttempt(store, keyOf(id)))
    .map(({ id }) => id);
  if (pending.length > 0) deleteTasks(store, pending, false);
}

function insert(
  { db, tag, log }: StoreContext,
  added: readonly TaskDraft[],
  source: string,
  at: string,
): void {
  const born = log.appendNumbered({ type: 'tasks-added', taskIds: added.map(({ id }) => id), source }, at);
  const insertTask = db.sql(
    `INSERT INTO tasks (tag, number, sub, born, title, description, details, test_strategy, priority, status,
       size, estimate_minutes, touches, risk, created_at, updated_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'pending', ?, ?, ?, ?, ?, ?)`,
  );
  for (const draft of added) {
    const { number, sub } = keyOf(draft.id);
    insertTask.run(
      tag,
      number,
      sub,
      born,
      draft.title,
      draft.description,
      draft.details,
      draft.testStrategy,
      draft.priority,
      draft.size,
      draft.estimateMinutes,
      JSON.stringify(draft.touches),
      draft.risk,
      at,
      at,
    );
  }
  const insertDependency = db.sql(
    'INSERT INTO dependencies (tag, number, sub, needs_number, needs_sub) VALUES (?, ?, ?, ?, ?)',
  );
  for (const { id, dependencies } of added) {
    const { number, sub } = keyOf(id);
    for (const need of dependencies.map(keyOf)) insertDependency.run(tag, number, sub, need.number, need.sub);
  }
}

/** The documents that tasks of this list were made of. */
export function readDocuments({ db, tag }: StoreContext): SourceDocument[] {
  return db.sql<SourceDocument>('SELECT path, digest FROM documents WHERE tag = ? ORDER BY id').all(tag);
}

/** Stores which documents tasks were made of. With `replace`, the earlier documents are dropped. */
function saveDocuments(
  { db, tag, log }: StoreContext,
  documents: readonly SourceDocument[],
  replace: boolean,
): void {
  if (replace) db.sql('DELETE FROM documents WHERE tag = ?').run(tag);
  const insert = db.sql('INSERT INTO documents (tag, path, digest, parsed_at) VALUES (?, ?, ?, ?)');
  for (const { path, digest } of documents) insert.run(tag, path, digest, log.now());
}
