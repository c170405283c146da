import { fail } from '../failure.ts';
import {
  compareTaskIds,
  parentOf,
  parseTaskId,
  PRIORITIES,
  SIZES,
  TASK_STATUSES,
  type Priority,
  type Risk,
  type Size,
  type Task,
  type TaskId,
  type TaskStatus,
} from '../task.ts';
import type { TaskOutline } from '../task-outline.ts';
import type { Database } from './database.ts';
import type { SqlValue } from './driver.ts';

/** A task's place in the tables: `3.2` is number 3, sub 2; a top-level task has sub 0. */
export interface TaskKey {
  readonly number: number;
  readonly sub: number;
}

/** What decides how a task's status may change. */
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

/** The key of an id; one that is no id gets a key that no task has. */
export function keyOf(id: TaskId): TaskKey {
  const [number = 0, sub = 0] = (parseTaskId(id) ?? '0').split('.').map(Number);
  return { number, sub };
}

/** The id of a key. */
export function idOf({ number, sub }: TaskKey): TaskId {
  return sub === 0 ? String(number) : `${number}.${sub}`;
}

type NameOf = (number: number, sub: number) => TaskId;

/** Every task of a list with its dependencies, ordered by id. */
export function readTasks(db: Database, tag: string): Task[] {
  // The same string for the same id: it is hashed once, wherever it is looked up.
  const names: TaskId[] = [];
  const nameOf: NameOf = (number, sub) =>
    sub === 0 ? (names[number] ??= String(number)) : idOf({ number, sub });
  const dependenciesOf = dependencyReader(db, tag, nameOf);
  const rows = db.table(`SELECT ${TASK_COLUMNS} FROM tasks WHERE tag = ? ORDER BY number, sub`).all(tag);
  return (rows as unknown as TaskRow[]).map((row) =>
    toTask(tag, nameOf(row[0], row[1]), row, dependenciesOf(row[0], row[1])),
  );
}

/** One task with its dependencies. */
export function readTask(db: Database, tag: string, id: TaskId): Task | undefined {
  const { number, sub } = keyOf(id);
  const rows = db
    .table(`SELECT ${TASK_COLUMNS} FROM tasks WHERE tag = ? AND number = ? AND sub = ?`)
    .all(tag, number, sub) as unknown as TaskRow[];
  return rows[0] && toTask(tag, idOf({ number, sub }), rows[0], readDependencies(db, tag, { number, sub }));
}

/**
 * These tasks and what is around each: its group, its subtasks, what it or its group needs and what needs it, with the
 * subtasks of what it needs. Ordered by id; tasks that do not exist are left out.
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

/** The tasks that failed, ordered by id. */
export function readFailedTasks(db: Database, tag: string): Pick<Task, 'id' | 'title'>[] {
  return db
    .sql<TaskKey & { title: string }>(
      `SELECT number, sub, title FROM tasks INDEXED BY tasks_failed
       WHERE tag = ? AND status = 'failed' ORDER BY number, sub`,
    )
    .all(tag)
    .map((row) => ({ id: idOf(row), title: row.title }));
}

/**
 * The outline of a list: a text of numbers for each column, which JSON turns into an array at once. What stands in few
 * words is one number together, and subtasks are left out where there are none.
 */
export function readOutline(db: Database, tag: string): TaskOutline {
  const hasSubtasks =
    db.sql('SELECT 1 FROM tasks INDEXED BY tasks_outline WHERE tag = ? AND sub > 0 LIMIT 1').get(tag) !==
    undefined;
  const sub = (name: string): string => (hasSubtasks ? `group_concat(${name})` : 'NULL');
  const [tasks = []] = db
    .table(
      `SELECT group_concat(number), ${sub('sub')}, group_concat(${WORDS}), group_concat(${ESTIMATE})
       FROM (SELECT number, sub, status, priority, size, estimate_minutes FROM tasks
             WHERE tag = ? ORDER BY number, sub)`,
    )
    .all(tag);
  const [edges = []] = db
    .table(
      `SELECT group_concat(number), ${sub('sub')}, group_concat(needs_number), ${sub('needs_sub')}
       FROM dependencies WHERE tag = ?`,
    )
    .all(tag);
  const numbers = column(tasks[0]);
  const words = column(tasks[2]);
  const edgeNumbers = column(edges[0]);
  const subs = (text: SqlValue | undefined, count: number): ArrayLike<number> =>
    hasSubtasks ? column(text) : new Uint8Array(count);
  return {
    numbers,
    subs: subs(tasks[1], numbers.length),
    statuses: digits(words, SIZE_STEP * PRIORITY_STEP, TASK_STATUSES.length),
    priorities: digits(words, SIZE_STEP, PRIORITY_STEP),
    sizes: digits(words, 1, SIZE_STEP),
    estimates: column(tasks[3]),
    dependencies: {
      numbers: edgeNumbers,
      subs: subs(edges[1], edgeNumbers.length),
      needsNumbers: column(edges[2]),
      needsSubs: subs(edges[3], edgeNumbers.length),
    },
  };
}

const SIZE_STEP = SIZES.length + 1;
const PRIORITY_STEP = PRIORITIES.length + 1;
const WORDS = `(${positionIn('status', TASK_STATUSES)} * ${PRIORITY_STEP} + ${positionIn('priority', PRIORITIES)}) * ${SIZE_STEP}
  + ${positionIn('size', SIZES)}`;

/** Whole numbers are written several times faster as such. */
const ESTIMATE = `iif(estimate_minutes IS NULL, 'null',
  iif(estimate_minutes = CAST(estimate_minutes AS INT), CAST(estimate_minutes AS INT), estimate_minutes))`;

/** The position of a column's word among these, as SQL. */
function positionIn(name: string, words: readonly string[]): string {
  const cases = words.map((word, index) => `WHEN '${word}' THEN ${index}`);
  return `CASE ${name} ${cases.join(' ')} ELSE ${words.length} END`;
}

function digits(words: readonly number[], step: number, base: number): Uint8Array {
  const taken = new Uint8Array(words.length);
  for (let at = 0; at < words.length; at++) taken[at] = Math.floor((words[at] ?? 0) / step) % base;
  return taken;
}

function column(text: SqlValue | undefined): number[] {
  return JSON.parse(`[${text ?? ''}]`) as number[];
}

/** The states of these tasks. Throws `Failed` ("task-not-found") if there is one that does not exist. */
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

/** The state of one task. */
export function readState(db: Database, tag: string, { number, sub }: TaskKey): TaskState | undefined {
  return db
    .sql<TaskState>('SELECT number, sub, status, born FROM tasks WHERE tag = ? AND number = ? AND sub = ?')
    .get(tag, number, sub);
}

/** The states of a task's subtasks, in order; empty for one that is no group. */
export function readSubtasks(db: Database, tag: string, { number, sub }: TaskKey): TaskState[] {
  if (sub !== 0) return [];
  return db
    .sql<TaskState>(
      'SELECT number, sub, status, born FROM tasks WHERE tag = ? AND number = ? AND sub > 0 ORDER BY sub',
    )
    .all(tag, number);
}

/** Which parents these tasks have, each once. */
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
 * The dependencies of each task in turn, for tasks that are asked for in the order of their ids.
 *
 * One JSON text instead of a row for each: with tens of thousands of dependencies that is several times faster.
 */
function dependencyReader(
  db: Database,
  tag: string,
  nameOf: NameOf,
): (number: number, sub: number) => TaskId[] {
  const row = db
    .sql<{ edges: string }>(
      `SELECT json_group_array(json_array(number, sub, needs_number, needs_sub)
         ORDER BY number, sub, needs_number, needs_sub) AS edges
       FROM dependencies WHERE tag = ?`,
    )
    .get(tag);
  const edges = JSON.parse(row?.edges ?? '[]') as [number, number, number, number][];
  let next = 0;
  return (number, sub) => {
    const needs: TaskId[] = [];
    for (let edge = edges[next]; edge?.[0] === number && edge[1] === sub; edge = edges[++next]) {
      needs.push(nameOf(edge[2], edge[3]));
    }
    return needs;
  };
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

function readDependents(db: Database, tag: string, { number, sub }: TaskKey): TaskKey[] {
  return db
    .sql<TaskKey>(
      `SELECT number, sub FROM dependencies WHERE tag = ? AND needs_number = ? AND needs_sub = ?
       ORDER BY number, sub`,
    )
    .all(tag, number, sub);
}

// By index, since taking ten thousand rows apart by iteration costs more than reading them.
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
