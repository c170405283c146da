import type { ModelUsage } from '../domain/attempt.ts';
import type { Database } from '../store/database.ts';
import type { UsageEntry } from './ledger.ts';

/** An entry with everything that the ledger itself knows of it. */
interface Booking extends UsageEntry {
  readonly account: string;
  /** A path. */
  readonly project: string;
  /** Unix milliseconds. */
  readonly at: number;
}

const KEPT_MS = 60 * 24 * 3_600_000;

/** Books what was used, a row for each model. */
export function bookEntry(db: Database, booking: Booking): void {
  const { at, account, role, project, runId, taskId } = booking;
  const insert = db.sql(
    `INSERT INTO usage (at, account, role, project, run, task, model, input, output, cache_read, cache_write, cost_usd)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  for (const { model, input, output, cacheRead, cacheWrite, costUsd } of booking.usage)
    insert.run(
      at,
      account,
      role,
      project,
      runId,
      taskId,
      model,
      input,
      output,
      cacheRead,
      cacheWrite,
      costUsd,
    );
}

/** One sum for each model that these accounts have used since then. */
export function usedSince(db: Database, accounts: readonly string[], since: number): ModelUsage[] {
  return db.read(() =>
    db
      .sql<ModelUsage>(
        `SELECT model, sum(input) AS input, sum(output) AS output, sum(cache_read) AS cacheRead,
                sum(cache_write) AS cacheWrite, sum(cost_usd) AS costUsd
         FROM usage WHERE at >= ? AND account IN (SELECT value FROM json_each(?)) GROUP BY model ORDER BY model`,
      )
      .all(since, JSON.stringify(accounts)),
  );
}

/** Forgets what is so old that nobody asks for it. */
export function pruneUsage(db: Database, now: number): void {
  const oldest = db.sql<{ at: number | null }>('SELECT min(at) AS at FROM usage').get()?.at ?? null;
  if (oldest === null || oldest >= now - KEPT_MS) return;
  db.writeRelaxed(() => db.sql('DELETE FROM usage WHERE at < ?').run(now - KEPT_MS));
}
