import { fail } from '../domain/failure.ts';
import {
  compareTaskIds,
  parentOf,
  parseTaskId,
  type Priority,
  type Risk,
  type Size,
  type Task,
  type TaskId,
  type TaskStatus,
} from '../domain/task.ts';
import type { Database } from './database.ts';
import type { SqlValue } from './driver.ts';

/** A task's key in the tables: `3.2` is number 3, sub 2; a top-level task has sub 0. */
export interface TaskKey {
  readonly number: number;
  readonly sub: number;
}

/** The columns that decide how a task's status may change. */
export interface TaskState extends TaskKey {
  readonly status: TaskStatus;
  readonly born: number;
}

/** The columns of a task in the order of {@link TaskRow}. */
const TASK_COLUMNS = `number, sub, title, description, details, test_strategy, priority, status, size,
  estimate_minutes, touches, risk, created_at, updated_at`;

type TaskRow = readonly [
  number: number,
  sub: number,
  title: string,
  description: string,
  details: string,
  testStrategy: string,
  priority: Priority,
  status: TaskStatus,
  size: Size | null,
  estimateMinutes: number | null,
  touches: string,
  risk: Risk | null,
  createdAt: string,
  updatedAt: string,
];

/** The key of an id. A text that is no id gets a key that no task has. */
export function keyOf(id: TaskId): TaskKey {
  const [number = 0, sub = 0] = (parseTaskId(id) ?? '0').split('.').map(Number);
  return { number, sub };
}

/** The id of a key. */
export function idOf({ number, sub }: TaskKey): TaskId {
  return sub === 0 ? String(number) : `${number}.${sub}`;
}

export type NameOf = (number: number, sub: number) => TaskId;

/** Every task of a list with its dependencies, ordered by id. */
export function readTasks(db: Database, tag: string): Task[] {
  const nameOf = namesOfTasks();
  const dependenciesOf = dependencyReader(db, tag, nameOf);
  const rows = db.table(`SELECT ${TASK_COLUMNS} FROM tasks WHERE tag = ? ORDER BY number, sub`).all(tag);
  return (rows as unknown as TaskRow[]).map((row) =>
    toTask(tag, nameOf(row[0], row[1]), row, dependenciesOf(row[0], row[1])),
  );
}

/**
 * Makes ids, with one string for each top-level id, so that the string is hashed once however often it is looked up.
 */
export function namesOfTasks(): NameOf {
  const names: TaskId[] = [];
  return (number, sub) => (sub === 0 ? (names[number] ??= String(number)) : idOf({ number, sub }));
}

/** A task with its dependencies. */
export function readTask(db: Database, tag: string, id: TaskId): Task | undefined {
  const { number, sub } = keyOf(id);
  const rows = db
    .table(`SELECT ${TASK_COLUMNS} FROM tasks WHERE tag = ? AND number = ? AND sub = ?`)
    .all(tag, number, sub) as unknown as TaskRow[];
  return rows[0] && toTask(tag, idOf({ number, sub }), rows[0], readDependencies(db, tag, { number, sub }));
}

/**
 * These tasks and the tasks around each: its group, its subtasks, the tasks that it or its group needs with their
 * subtasks, and the tasks that need it. Ordered by id; tasks that do not exist are left out.
 */
export function readTasksAround(db: Database, tag: string, ids: readonly TaskId[]): Task[] {
  const found = new Map<TaskId, Task>();
  const take = (id: TaskId): Task | undefined => {
    const task = found.get(id) ?? readTask(db, tag, id);
    if (task !== undefined) found.set(id, task);
    return task;
  };
  const takeWithSubtasks = (id: TaskId): Task | undefined => {
    for (const subtask of readSubtasks(db, tag, keyOf(id))) take(idOf(subtask));
    return take(id);
  };
  for (const id of ids) {
    const task = takeWithSubtasks(id);
    if (task === undefined) continue;
    const parent = parentOf(id);
    const inherited = parent === undefined ? undefined : take(parent)?.dependencies;
    for (const need of [...task.dependencies, ...(inherited ?? [])]) takeWithSubtasks(need);
    for (const dependent of readDependents(db, tag, keyOf(id))) take(idOf(dependent));
  }
  return [...found.values()].sort((a, b) => compareTaskIds(a.id, b.id));
}

/** The states of these tasks. Throws `Failed` ("task-not-found") if one does not exist. */
export function readStates(db: Database, tag: string, ids: readonly TaskId[]): TaskState[] {
  const states: TaskState[] = [];
  const missing: TaskId[] = [];
  for (const id of new Set(ids)) {
    const state = readState(db, tag, keyOf(id));
    if (state === undefined) missing.push(id);
    else states.push(state);
  }
  return missing.length > 0 ? failNotFound(tag, missing) : states;
}

/** The state of a task. */
export function readState(db: Database, tag: string, { number, sub }: TaskKey): TaskState | undefined {
  return db
    .sql<TaskState>('SELECT number, sub, status, born FROM tasks WHERE tag = ? AND number = ? AND sub = ?')
    .get(tag, number, sub);
}

/** The states of a task's subtasks, in order; none if the task is no group. */
export function readSubtasks(db: Database, tag: string, { number, sub }: TaskKey): TaskState[] {
  if (sub !== 0) return [];
  return db
    .sql<TaskState>(
      'SELECT number, sub, status, born FROM tasks WHERE tag = ? AND number = ? AND sub > 0 ORDER BY sub',
    )
    .all(tag, number);
}

/** The parents of these tasks, each once. */
export function parentsOf(keys: readonly TaskKey[]): TaskKey[] {
  const numbers = new Set(keys.filter(({ sub }) => sub !== 0).map(({ number }) => number));
  return [...numbers].map((number) => ({ number, sub: 0 }));
}

/** Throws `Failed` ("task-not-found"). */
export function failNotFound(tag: string, ids: readonly TaskId[]): never {
  const what = ids.length === 1 ? `There is no task ${ids.join()}` : `There are no tasks ${ids.join(', ')}`;
  return fail(
    'task-not-found',
    `${what} in the list "${tag}".`,
    'Run `claude-orchestrator list --with-subtasks` to see the tasks there are.',
  );
}

/**
 * Reads all dependencies of a list. The function that it returns gives those of one task, and has to be called in the
 * order of ids.
 *
 * Each column is read as one text of numbers: with tens of thousands of rows that is several times faster.
 */
export function dependencyReader(
  db: Database,
  tag: string,
  nameOf: NameOf,
): (number: number, sub: number) => TaskId[] {
  const [row = []] = db
    .table(
      `SELECT group_concat(number), group_concat(sub), group_concat(needs_number), group_concat(needs_sub)
       FROM (SELECT number, sub, needs_number, needs_sub FROM dependencies
             WHERE tag = ? ORDER BY number, sub, needs_number, needs_sub)`,
    )
    .all(tag);
  const [numbers, subs, needsNumbers, needsSubs] = [0, 1, 2, 3].map((index) => readNumbers(row[index]));
  let next = 0;
  return (number, sub) => {
    const needs: TaskId[] = [];
    for (; numbers?.[next] === number && subs?.[next] === sub; next++)
      needs.push(nameOf(needsNumbers?.[next] ?? 0, needsSubs?.[next] ?? 0));
    return needs;
  };
}

/** Parses a comma-separated list of numbers. */
export function readNumbers(text: SqlValue | undefined): number[] {
  return JSON.parse(`[${text ?? ''}]`) as number[];
}

function readDependencies(db: Database, tag: string, { number, sub }: TaskKey): TaskId[] {
  return db
    .sql<TaskKey>(
      `SELECT needs_number AS number, needs_sub AS sub FROM dependencies
       WHERE tag = ? AND number = ? AND sub = ? ORDER BY needs_number, needs_sub`,
    )
    .all(tag, number, sub)
    .map(idOf);
}

/** The tasks that depend on a task, ordered by id. */
export function readDependents(db: Database, tag: string, { number, sub }: TaskKey): TaskKey[] {
  return db
    .sql<TaskKey>(
      `SELECT number, sub FROM dependencies WHERE tag = ? AND needs_number = ? AND needs_sub = ?
       ORDER BY number, sub`,
    )
    .all(tag, number, sub);
}

// By index, since destructuring ten thousand rows costs more than reading them.
function toTask(tag: string, id: TaskId, row: TaskRow, dependencies: readonly TaskId[]): Task {
  return {
    id,
    tag,
    title: row[2],
    description: row[3],
    details: row[4],
    testStrategy: row[5],
    priority: row[6],
    status: row[7],
    dependencies,
    size: row[8],
    estimateMinutes: row[9],
    touches: row[10] === '[]' ? [] : (JSON.parse(row[10]) as string[]),
    risk: row[11],
    createdAt: row[12],
    updatedAt: row[13],
  };
}
