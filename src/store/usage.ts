import type { ModelUsage } from '../domain/attempt.ts';
import type { UsageRecord } from './store.ts';
import type { StoreContext } from './task-status.ts';

/** Who spent it, for what and when. */
type Booking = Omit<UsageRecord, keyof ModelUsage>;

/** Which rows of the table runs, named r, a run that is begun now goes on with: those since the last that came to its end. */
export const IN_UNFINISHED_RUNS = `r.seq > (SELECT coalesce(max(seq), 0) FROM runs
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

/** Keeps what a running attempt has used so far, over what was kept of it before. */
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

/** What was booked, the oldest first. */
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

/** What the runs have cost that came to no end of their own, back to the last one that did. */
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
