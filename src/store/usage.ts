import type { ModelUsage, ProcessIdentity } from '../domain/attempt.ts';
import type { Stamped } from '../domain/event.ts';
import type { StoreContext } from './event-log.ts';
import type { CutOffCalls, IntendedCall, ManagerCalls, UsageRecord } from './store.ts';

/** Who used it, for what and when. */
type Booking = Omit<UsageRecord, keyof ModelUsage>;

/** SQL for the runs (`r`) that a new run continues: those since the last run that came to an end of its own. */
const IN_UNFINISHED_RUNS = `r.seq > (SELECT coalesce(max(seq), 0) FROM runs
                                           WHERE outcome IN ('completed', 'completed-with-failures'))`;

/** Books what each model used; returns the numbers of the bookings. */
export function bookUsage({ db }: StoreContext, booking: Booking, usages: readonly ModelUsage[]): number[] {
  const insert = db.sql(
    `INSERT INTO usage (at, role, run_id, attempt_id, model, input, output, cache_read, cache_write, cost_usd)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const { at, role, runId, attemptId } = booking;
  return usages.map(({ model, input, output, cacheRead, cacheWrite, costUsd }) => {
    const spent = [input, output, cacheRead, cacheWrite, costUsd];
    return insert.run(at, role, runId, attemptId, model, ...spent).lastInsertRowid;
  });
}

/** Stores what a running attempt has used so far, in place of the earlier figure. */
export function noteUsed({ db, tag }: StoreContext, attemptId: number, usages: readonly ModelUsage[]): void {
  db.sql('UPDATE attempts SET used_so_far = ? WHERE id = ? AND tag = ? AND ended_at IS NULL').run(
    JSON.stringify(usages),
    attemptId,
    tag,
  );
}

/** What running attempts have used so far, of this run or of all. */
export function readUsedSoFar({ db, tag }: StoreContext, runId?: string): UsageRecord[] {
  const rows = db
    .sql<{ id: number; run_id: string; started_at: string; used_so_far: string }>(
      `SELECT id, run_id, started_at, used_so_far FROM attempts
       WHERE ended_at IS NULL AND used_so_far IS NOT NULL AND tag = ? AND run_id = coalesce(?, run_id) ORDER BY id`,
    )
    .all(tag, runId ?? null);
  return rows.flatMap(({ id, run_id, started_at, used_so_far }) =>
    (JSON.parse(used_so_far) as ModelUsage[]).map((usage) => ({
      ...usage,
      role: 'worker' as const,
      runId: run_id,
      attemptId: id,
      at: started_at,
    })),
  );
}

/** The bookings, the oldest first. */
export function readUsage(
  { db }: StoreContext,
  { runId, attemptId, since }: { runId?: string; attemptId?: number; since?: string },
): UsageRecord[] {
  const conditions: string[] = [];
  const values: (string | number)[] = [];
  const where = (condition: string, value: string | number | undefined): void => {
    if (value === undefined) return;
    conditions.push(condition);
    values.push(value);
  };
  where('run_id = ?', runId);
  where('attempt_id = ?', attemptId);
  where('at >= ?', since);
  return db
    .sql<UsageRow>(`SELECT * FROM usage WHERE ${['TRUE', ...conditions].join(' AND ')} ORDER BY id`)
    .all(...values)
    .map(toUsageRecord);
}

/** The cost of the runs that a new run continues. */
export function readUnfinishedSpending({ db }: StoreContext): number {
  const row = db
    .sql<{ cost: number }>(
      `SELECT coalesce(sum(u.cost_usd), 0) AS cost FROM usage u JOIN runs r ON r.id = u.run_id
       WHERE ${IN_UNFINISHED_RUNS}`,
    )
    .get();
  return row?.cost ?? 0;
}

interface UsageRow {
  readonly at: string;
  readonly role: UsageRecord['role'];
  readonly run_id: string | null;
  readonly attempt_id: number | null;
  readonly model: string;
  readonly input: number;
  readonly output: number;
  readonly cache_read: number;
  readonly cache_write: number;
  readonly cost_usd: number;
}

function toUsageRecord(row: UsageRow): UsageRecord {
  return {
    role: row.role,
    runId: row.run_id,
    attemptId: row.attempt_id,
    at: row.at,
    model: row.model,
    input: row.input,
    output: row.output,
    cacheRead: row.cache_read,
    cacheWrite: row.cache_write,
    costUsd: row.cost_usd,
  };
}

/** The calls of the manager in the task store. */
export class StoredManagerCalls implements ManagerCalls {
  readonly #store: StoreContext;

  constructor(store: StoreContext) {
    this.#store = store;
  }

  intend({ purpose, runId, process, bound }: IntendedCall): number {
    const { db, log } = this.#store;
    return db.write(() => {
      const { lastInsertRowid } = db
        .sql(
          'INSERT INTO manager_calls (at, purpose, run_id, pid, process_start, bound) VALUES (?, ?, ?, ?, ?, ?)',
        )
        .run(log.now(), purpose, runId, process.pid, process.startTime, JSON.stringify(bound));
      return lastInsertRowid;
    });
  }

  underWay(): number {
    return this.#store.db.read(() => this.#underWay().length);
  }

  bookCutOff(isAlive: (process: ProcessIdentity) => boolean): Stamped[] {
    const { db } = this.#store;
    const isGone = ({ pid, process_start: startTime }: CallRow): boolean => !isAlive({ pid, startTime });
    if (!db.read(() => this.#underWay().some(isGone))) return [];
    return db.write(() => this.#underWay().filter(isGone).map(this.#book));
  }

  cutOff(): CutOffCalls {
    const { db } = this.#store;
    const row = db.read(() =>
      db
        .sql<CutOffCalls>(
          `SELECT count(*) AS calls, coalesce(sum(u.cost_usd), 0) AS costUsd
           FROM manager_calls c JOIN usage u ON u.id = c.usage_id JOIN runs r ON r.id = c.run_id
           WHERE ${IN_UNFINISHED_RUNS}`,
        )
        .get(),
    );
    return { calls: row?.calls ?? 0, costUsd: row?.costUsd ?? 0 };
  }

  #underWay(): CallRow[] {
    return this.#store.db
      .sql<CallRow>('SELECT * FROM manager_calls WHERE usage_id IS NULL ORDER BY id')
      .all();
  }

  readonly #book = ({ id, at, purpose, run_id: runId, bound }: CallRow): Stamped => {
    const { db, log } = this.#store;
    const usage = JSON.parse(bound) as ModelUsage;
    const [booking] = bookUsage(this.#store, { role: 'manager', runId, attemptId: null, at }, [usage]);
    db.sql('UPDATE manager_calls SET usage_id = ? WHERE id = ?').run(booking ?? null, id);
    return log.append({ type: 'manager-cut-off', purpose, runId, usage: [usage] }, log.now());
  };
}

/** Deletes a call that has an outcome now, and what was booked for it if it was taken for cut off. */
export function settleCall({ db }: StoreContext, id: number): void {
  const row = db
    .sql<{ usage_id: number | null }>('DELETE FROM manager_calls WHERE id = ? RETURNING usage_id')
    .get(id);
  if (row?.usage_id != null) db.sql('DELETE FROM usage WHERE id = ?').run(row.usage_id);
}

interface CallRow {
  readonly id: number;
  readonly at: string;
  readonly purpose: string;
  readonly run_id: string | null;
  readonly pid: number;
  readonly process_start: string;
  readonly bound: string;
}
