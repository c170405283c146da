import { fail } from '../domain/failure.ts';
import {
  buildTaskGraph,
  describeGraphProblem,
  type GraphNode,
  type GraphProblem,
} from '../domain/task-graph.ts';
import type { Task, TaskChanges, TaskId } from '../domain/task.ts';
import type { StoreContext } from './event-log.ts';
import {
  failNotFound,
  idOf,
  keyOf,
  parentsOf,
  readDependents,
  readStates,
  readSubtasks,
  readTask,
  readTasks,
  type TaskKey,
} from './task-rows.ts';
import { followSubtasks } from './task-status.ts';

/** The column that each changeable field is stored in. */
const COLUMNS: Readonly<Record<keyof TaskChanges, string>> = {
  title: 'title',
  description: 'description',
  details: 'details',
  testStrategy: 'test_strategy',
  priority: 'priority',
  size: 'size',
  estimateMinutes: 'estimate_minutes',
  touches: 'touches',
  risk: 'risk',
};

/** Changes the fields of a task that really differ; undefined if there is no such task. */
export function editTask({ db, tag, log }: StoreContext, id: TaskId, wanted: TaskChanges): Task | undefined {
  const task = readTask(db, tag, id);
  if (task === undefined) return undefined;
  const changes = differences(task, wanted);
  if (changes.title?.trim() === '') {
    fail('plan-invalid', `Task ${task.id} needs a title; nothing was changed.`, 'Give it a title.');
  }
  const fields = (Object.keys(COLUMNS) as (keyof TaskChanges)[]).filter((field) => field in changes);
  if (fields.length === 0) return task;
  const at = log.now();
  const { number, sub } = keyOf(id);
  db.sql(
    `UPDATE tasks SET ${fields.map((field) => `${COLUMNS[field]} = ?`).join(', ')}, updated_at = ?
     WHERE tag = ? AND number = ? AND sub = ?`,
  ).run(...fields.map((field) => columnValue(changes, field)), at, tag, number, sub);
  log.append({ type: 'task-edited', taskId: task.id, changes }, at);
  return { ...task, ...changes, updatedAt: at };
}

/** Adds a dependency; false if it was there already. Throws `Failed` for an unknown task or a cycle. */
export function addDependency(store: StoreContext, id: TaskId, dependsOn: TaskId): boolean {
  const { db, tag, log } = store;
  readStates(db, tag, [id, dependsOn]);
  const own = keyOf(id);
  const need = keyOf(dependsOn);
  const taskId = idOf(own);
  const needId = idOf(need);
  const tasks = readTasks(db, tag);
  const task = tasks.find((other) => other.id === taskId) ?? failNotFound(tag, [id]);
  if (task.dependencies.includes(needId)) return false;
  const changed: Task = { ...task, dependencies: [...task.dependencies, needId] };
  checkGraph(tasks.map((other) => (other === task ? changed : other)));
  const at = log.now();
  db.sql('INSERT INTO dependencies (tag, number, sub, needs_number, needs_sub) VALUES (?, ?, ?, ?, ?)').run(
    tag,
    own.number,
    own.sub,
    need.number,
    need.sub,
  );
  log.append({ type: 'dependency-added', taskId, dependsOn: needId }, at);
  return true;
}

function differences(task: Task, wanted: TaskChanges): TaskChanges {
  const fields = Object.keys(COLUMNS) as (keyof TaskChanges)[];
  const changed = fields.filter(
    (field) => wanted[field] !== undefined && JSON.stringify(wanted[field]) !== JSON.stringify(task[field]),
  );
  return Object.fromEntries(changed.map((field) => [field, wanted[field]]));
}

function columnValue(changes: TaskChanges, field: keyof TaskChanges): string | number | null {
  const value = changes[field] ?? null;
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : value;
}

/** Deletes tasks, and groups with their subtasks; returns every deleted id, ordered. */
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

/** Removes tasks and every dependency on them, and writes the events. */
export function removeTasks(store: StoreContext, ids: readonly TaskId[], at: string): void {
  if (ids.length === 0) return;
  const { db, tag, log } = store;
  const removed = new Set(ids);
  const keys = ids.map(keyOf);
  for (const key of keys) {
    for (const dependent of readDependents(store.db, store.tag, key).map(idOf)) {
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

/** Removes a dependency; false if there was none. */
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
    const dependents = readDependents(store.db, store.tag, key)
      .map(idOf)
      .filter((dependent) => !removed.has(dependent));
    if (dependents.length > 0) reasons.push(`Task ${id} is needed by ${dependents.join(', ')}.`);
  }
  if (reasons.length === 0) return;
  fail(
    'task-needed',
    `${reasons.join('\n')}\nNothing was deleted.`,
    'Delete those too, or use --force, which drops their dependency on it.',
  );
}

/** Throws `Failed` ("dependency-cycle" or "plan-invalid") with every problem if these nodes form no graph. */
export function checkGraph(nodes: readonly GraphNode[]): void {
  const graph = buildTaskGraph(nodes);
  if (!graph.ok) requireNoProblems(graph.error);
}

/** Throws `Failed` ("dependency-cycle" or "plan-invalid") if there are problems. */
export function requireNoProblems(problems: readonly GraphProblem[]): void {
  if (problems.length === 0) return;
  const isCycleOnly = problems.every(({ kind }) => kind === 'cycle' || kind === 'self-dependency');
  fail(
    isCycleOnly ? 'dependency-cycle' : 'plan-invalid',
    problems.map(describeGraphProblem).join('\n'),
    isCycleOnly
      ? 'Remove one of these dependencies; nothing was stored.'
      : 'Correct the tasks and try again; nothing was stored.',
  );
}
