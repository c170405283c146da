import { fail } from '../domain/failure.ts';
import type { Task, TaskChanges, TaskId } from '../domain/task.ts';
import { checkGraph } from './task-additions.ts';
import { failNotFound, idOf, keyOf, readStates, readTask, readTasks } from './task-rows.ts';
import type { StoreContext } from './task-status.ts';

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

/** Changes the fields of one task that really differ; undefined if there is no such task. */
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

/** False if it was there already. Throws `Failed` for an unknown task or a cycle. */
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
