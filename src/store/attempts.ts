import { basename, join } from 'node:path';
import { emptyEnd, type Attempt, type AttemptEnd, type Phase } from '../domain/attempt.ts';
import type { FinishedWork } from '../domain/estimate.ts';
import type { Stamped } from '../domain/event.ts';
import type { AttemptOutcome } from '../domain/outcome.ts';
import { isRunnable, isSettled, type Size, type TaskId, type TaskStatus } from '../domain/task.ts';
import type { Database } from './database.ts';
import type { AttemptClaim } from './store.ts';
import { idOf, keyOf, parentsOf, readState, readSubtasks, type TaskKey } from './task-rows.ts';
import type { StoreContext } from './event-log.ts';
import { changeStatus, followSubtasks } from './task-status.ts';
import { bookUsage } from './usage.ts';

/** Claims a task for an attempt, if the task is runnable and no group. Writes the task, the attempt and the events. */
export function claimTask(
  store: StoreContext,
  claim: AttemptClaim,
): { attempt: Attempt; events: Stamped[] } | undefined {
  const { db, tag, log } = store;
  const key = keyOf(claim.taskId);
  const at = log.now();
  // No RETURNING, here and below: SQLite makes a temporary table for it, which costs more than a look-up.
  const task = db
    .sql<{
      status: TaskStatus;
      born: number;
      title: string;
      size: Size | null;
      estimate_minutes: number | null;
    }>(
      `SELECT status, born, title, size, estimate_minutes FROM tasks WHERE tag = ? AND number = ? AND sub = ?`,
    )
    .get(tag, key.number, key.sub);
  if (task === undefined || !isRunnable(task.status) || readSubtasks(db, tag, key).length > 0)
    return undefined;

  const number = lastOrdinal(store, key, task.born) + 1;
  const { lastInsertRowid: id } = db
    .sql(
      `INSERT INTO attempts (run_id, tag, number, sub, born, ordinal, session_id, resumed, forked_from, max_cost_usd, model, directory,
         files_root, phase, size, estimate_minutes, started_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'preparing', ?, ?, ?)`,
    )
    .run(
      claim.runId,
      tag,
      key.number,
      key.sub,
      task.born,
      number,
      claim.sessionId,
      claim.resumed ? 1 : 0,
      claim.forkedFrom ?? null,
      claim.maxCostUsd ?? null,
      claim.model,
      claim.directory,
      claim.filesRoot,
      task.size,
      task.estimate_minutes,
      at,
    );
  const { runId, sessionId, resumed, why } = claim;
  const taskId = idOf(key);
  const events = [
    log.append(
      {
        type: 'attempt-started',
        runId,
        attemptId: id,
        taskId,
        title: task.title,
        number,
        sessionId,
        resumed,
        why,
      },
      at,
    ),
    ...changeStatus(store, key, 'in-progress', why, at, runId),
    ...parentsOf([key]).flatMap((parent) => followSubtasks(store, parent, at, runId)),
  ];
  // The row is not read again: it has so many columns that this takes as long as everything above.
  const attempt: Attempt = {
    id,
    runId,
    taskId,
    number,
    sessionId,
    resumed,
    forkedFrom: claim.forkedFrom ?? null,
    maxCostUsd: claim.maxCostUsd ?? null,
    model: claim.model,
    directory: claim.directory,
    branch: null,
    base: null,
    landing: null,
    files: join(claim.filesRoot, String(id)),
    process: null,
    phase: 'preparing',
    startedAt: at,
    endedAt: null,
    end: null,
  };
  return { attempt, events };
}

/** Ends an attempt that has no end yet: books its cost and sets the status of its task. */
export function endAttempt(
  store: StoreContext,
  attemptId: number,
  end: AttemptEnd,
  status: TaskStatus,
  why: string,
): Stamped[] | undefined {
  const { db, tag, log } = store;
  const at = log.now();
  const attempt = requireRow(store, attemptId);
  if (attempt.ended_at !== null) return undefined;
  db.sql('UPDATE attempts SET ended_at = ?, outcome = ?, end = ? WHERE id = ?').run(
    at,
    end.outcome,
    JSON.stringify(end),
    attemptId,
  );
  const runId = attempt.run_id;
  bookUsage(store, { role: 'worker', runId, attemptId, at }, end.usage);
  const events = [log.append({ type: 'attempt-ended', attemptId, taskId: idOf(attempt), end }, at, runId)];
  const task = readState(db, tag, attempt);
  // Meanwhile the id may belong to another task, or a person may have decided what becomes of the task.
  const isSameTask = task?.born === attempt.born && readSubtasks(db, tag, task).length === 0;
  const isSetByPerson = task?.status !== 'in-progress' && task?.status !== 'review';
  if (isSameTask && (!isSetByPerson || isSettled(status))) {
    events.push(...changeStatus(store, task, status, why, at, runId));
    for (const parent of parentsOf([task])) events.push(...followSubtasks(store, parent, at, runId));
  }
  return events;
}

/** Moves the folders of all runs to a new parent folder. Each keeps its name, wherever it was before. */
export function moveAttemptFiles(db: Database, folder: string): void {
  const roots = db.sql<{ files_root: string }>('SELECT DISTINCT files_root FROM attempts').all();
  for (const { files_root: root } of roots)
    db.sql('UPDATE attempts SET files_root = ? WHERE files_root = ?').run(join(folder, basename(root)), root);
}

/** The attempts of this list, the oldest first. Of a task, only those since it was added under its id. */
export function readAttempts(
  { db, tag }: StoreContext,
  { taskId, runId, running }: { taskId?: TaskId; runId?: string; running?: boolean },
): Attempt[] {
  const conditions = ['tag = ?'];
  const values: (string | number)[] = [tag];
  if (taskId !== undefined) {
    const { number, sub } = keyOf(taskId);
    const born = '(SELECT born FROM tasks WHERE tag = ? AND number = ? AND sub = ?)';
    conditions.push(`number = ? AND sub = ? AND born = coalesce(${born}, born)`);
    values.push(number, sub, tag, number, sub);
  }
  if (runId !== undefined) {
    // There is one run at a time, so it ended every attempt that ended during it, even one that a killed run had
    // started.
    conditions.push(
      `(run_id = ? OR ended_at BETWEEN (SELECT started_at FROM runs WHERE id = ?)
                          AND coalesce((SELECT ended_at FROM runs WHERE id = ?), '9999'))`,
    );
    values.push(runId, runId, runId);
  }
  if (running !== undefined) conditions.push(`ended_at IS ${running ? '' : 'NOT '}NULL`);
  // For one task both orders are the same, and the index of tasks has this one.
  const order = taskId === undefined ? 'id' : 'born, ordinal';
  return db
    .sql<AttemptRow>(`SELECT * FROM attempts WHERE ${conditions.join(' AND ')} ORDER BY ${order}`)
    .all(...values)
    .map(toAttempt);
}

/** The newest thousand pieces of work that landed. Resumed work counts from the start of its session. */
export function readFinishedWork({ db }: StoreContext): FinishedWork[] {
  return db
    .sql<{
      size: Size | null;
      estimate_minutes: number | null;
      minutes: number;
      cost: number;
      model: string;
    }>(
      `SELECT size, estimate_minutes, model,
         (SELECT coalesce(sum(u.cost_usd), 0) FROM attempts p JOIN usage u ON u.attempt_id = p.id
          WHERE p.session_id = a.session_id AND p.id <= a.id) AS cost,
         (SELECT sum(julianday(p.ended_at) - julianday(p.started_at)) * 1440 FROM attempts p
          WHERE p.session_id = a.session_id AND p.id <= a.id) AS minutes
       FROM attempts a WHERE outcome = 'landed' ORDER BY id DESC LIMIT 1000`,
    )
    .all()
    .map(({ size, estimate_minutes, minutes, cost, model }) => ({
      size,
      estimateMinutes: estimate_minutes,
      minutes,
      costUsd: cost,
      model,
    }));
}

interface AttemptRow extends TaskKey {
  readonly id: number;
  readonly born: number;
  readonly run_id: string;
  readonly ordinal: number;
  readonly session_id: string;
  readonly resumed: number;
  readonly forked_from: string | null;
  readonly max_cost_usd: number | null;
  readonly model: string;
  readonly directory: string;
  readonly branch: string | null;
  readonly base: string | null;
  readonly landing: string | null;
  readonly files_root: string;
  readonly pid: number | null;
  readonly process_start: string | null;
  readonly phase: Phase;
  readonly started_at: string;
  readonly ended_at: string | null;
  readonly outcome: AttemptOutcome | null;
  readonly end: string | null;
}

/** The columns that ending an attempt needs. */
type RowOfEnd = Pick<AttemptRow, keyof TaskKey | 'born' | 'run_id' | 'ended_at'>;

function lastOrdinal({ db, tag }: StoreContext, { number, sub }: TaskKey, born: number): number {
  return (
    db
      .sql<{ last: number | null }>(
        'SELECT max(ordinal) AS last FROM attempts WHERE tag = ? AND number = ? AND sub = ? AND born = ?',
      )
      .get(tag, number, sub, born)?.last ?? 0
  );
}

function requireRow({ db, tag }: StoreContext, id: number): RowOfEnd {
  const row = db
    .sql<RowOfEnd>('SELECT number, sub, born, run_id, ended_at FROM attempts WHERE id = ? AND tag = ?')
    .get(id, tag);
  if (row === undefined) throw new Error(`There is no attempt ${id} in the list "${tag}".`);
  return row;
}

/** The folders of attempts, of any list, that ended before a time and whose tasks are done, cancelled or deleted. */
export function readSettledFiles({ db }: StoreContext, before: string): string[] {
  return db
    .sql<AttemptRow>(
      `SELECT attempts.* FROM attempts LEFT JOIN tasks USING (tag, number, sub, born)
       WHERE ended_at <= ? AND coalesce(tasks.status, 'cancelled') IN ('done', 'cancelled') ORDER BY attempts.id`,
    )
    .all(before)
    .map((row) => toAttempt(row).files);
}

function toAttempt(row: AttemptRow): Attempt {
  return {
    id: row.id,
    runId: row.run_id,
    taskId: idOf(row),
    number: row.ordinal,
    sessionId: row.session_id,
    resumed: row.resumed === 1,
    forkedFrom: row.forked_from,
    maxCostUsd: row.max_cost_usd,
    model: row.model,
    directory: row.directory,
    branch: row.branch,
    base: row.base,
    landing: row.landing,
    files: join(row.files_root, String(row.id)),
    process:
      row.pid === null || row.process_start === null ? null : { pid: row.pid, startTime: row.process_start },
    phase: row.phase,
    startedAt: row.started_at,
    endedAt: row.ended_at,
    end: row.end === null ? null : parseEnd(row.end),
  };
}

/** Parses an end. An end that an earlier version stored lacks newer fields. */
function parseEnd(text: string): AttemptEnd {
  return { ...emptyEnd('infrastructure', ''), ...(JSON.parse(text) as AttemptEnd) };
}
