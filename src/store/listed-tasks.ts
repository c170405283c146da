import {
  PRIORITIES,
  SIZES,
  TASK_STATUSES,
  type ListedTask,
  type Priority,
  type Size,
  type Task,
  type TaskStatus,
} from '../domain/task.ts';
import type { TaskOutline } from '../domain/task-outline.ts';
import type { Database } from './database.ts';
import type { SqlValue } from './driver.ts';
import { dependencyReader, idOf, namesOfTasks, readNumbers, type TaskKey } from './task-rows.ts';

type ListedRow = readonly [
  number: number,
  sub: number,
  title: string,
  priority: Priority,
  status: TaskStatus,
  size: Size | null,
  estimateMinutes: number | null,
];

/** Every task without its texts, ordered by id. */
export function readListedTasks(db: Database, tag: string): ListedTask[] {
  const nameOf = namesOfTasks();
  const dependenciesOf = dependencyReader(db, tag, nameOf);
  const rows = db
    .table(
      `SELECT number, sub, title, priority, status, size, estimate_minutes FROM tasks
       WHERE tag = ? ORDER BY number, sub`,
    )
    .all(tag);
  return (rows as unknown as ListedRow[]).map((row) => ({
    id: nameOf(row[0], row[1]),
    title: row[2],
    priority: row[3],
    status: row[4],
    dependencies: dependenciesOf(row[0], row[1]),
    size: row[5],
    estimateMinutes: row[6],
  }));
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
 * The outline of a list. Each column is read as a text of numbers, which JSON turns into an array at once. Columns
 * with few different words are packed into one number, and the numbers of subtasks are left out if there are none.
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
  const numbers = readNumbers(tasks[0]);
  const words = readNumbers(tasks[2]);
  const edgeNumbers = readNumbers(edges[0]);
  const subs = (text: SqlValue | undefined, count: number): ArrayLike<number> =>
    hasSubtasks ? readNumbers(text) : new Uint8Array(count);
  return {
    numbers,
    subs: subs(tasks[1], numbers.length),
    statuses: digits(words, SIZE_STEP * PRIORITY_STEP, TASK_STATUSES.length),
    priorities: digits(words, SIZE_STEP, PRIORITY_STEP),
    sizes: digits(words, 1, SIZE_STEP),
    estimates: readNumbers(tasks[3]),
    dependencies: {
      numbers: edgeNumbers,
      subs: subs(edges[1], edgeNumbers.length),
      needsNumbers: readNumbers(edges[2]),
      needsSubs: subs(edges[3], edgeNumbers.length),
    },
  };
}

const SIZE_STEP = SIZES.length + 1;
const PRIORITY_STEP = PRIORITIES.length + 1;
const WORDS = `(${positionIn('status', TASK_STATUSES)} * ${PRIORITY_STEP} + ${positionIn('priority', PRIORITIES)}) * ${SIZE_STEP}
  + ${positionIn('size', SIZES)}`;

/** Whole numbers are written as integers, which is several times faster. */
const ESTIMATE = `iif(estimate_minutes IS NULL, 'null',
  iif(estimate_minutes = CAST(estimate_minutes AS INT), CAST(estimate_minutes AS INT), estimate_minutes))`;

/** SQL for the position of a column's value in a list of words. */
function positionIn(name: string, words: readonly string[]): string {
  const cases = words.map((word, index) => `WHEN '${word}' THEN ${index}`);
  return `CASE ${name} ${cases.join(' ')} ELSE ${words.length} END`;
}

function digits(words: readonly number[], step: number, base: number): Uint8Array {
  const taken = new Uint8Array(words.length);
  for (let at = 0; at < words.length; at++) taken[at] = Math.floor((words[at] ?? 0) / step) % base;
  return taken;
}
