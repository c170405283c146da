import type { ModelUsage } from '../domain/attempt.ts';
import type { Database } from '../store/database.ts';
import {
  plausibleReset,
  isPlanWindow,
  type LimitObservation,
  type UsageWindow,
} from '../domain/usage-limit.ts';
import type { SeenWindow, UsageEntry } from './ledger.ts';

/** A window as stored. */
export interface WindowRow {
  readonly account: string;
  readonly name: string;
  readonly utilization: number | null;
  readonly status: UsageWindow['status'];
  readonly resets_at: number | null;
  readonly seen_at: number;
  readonly first_utilization: number | null;
  readonly booked_utilization: number | null;
  readonly booked_usd: number;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** The API rounds resets. A reset that moves by more than this belongs to another window. */
const SAME_RESET_MS = 10 * MINUTE_MS;
/** Growth and cost below these are too small to relate one to the other. */
const LEAST_GROWTH = 0.02;
const LEAST_USD = 0.05;

/** Stores the windows of an observation. A window that was reset meanwhile is measured anew. */
export function saveWindows(db: Database, account: string, { windows }: LimitObservation, now: number): void {
  const find = db.sql<WindowRow>('SELECT * FROM windows WHERE account = ? AND name = ?');
  for (const { name, utilization: said, status, resetsAt } of windows) {
    const used = said !== null && Number.isFinite(said) && said >= 0 ? said : null;
    const resets_at =
      resetsAt !== null && resetsAt <= now ? Math.round(resetsAt) : plausibleReset(resetsAt, now);
    const before = find.get(account, name);
    const seen = { account, name, status, resets_at, seen_at: now };
    const isSame = before !== undefined && !wasReset(before, used, resets_at, now);
    saveWindowRow(db, {
      ...seen,
      resets_at: resets_at ?? (isSame ? before.resets_at : null),
      utilization: used ?? (isSame ? before.utilization : null),
      first_utilization: (isSame ? before.first_utilization : null) ?? used,
      booked_utilization: isSame ? before.booked_utilization : null,
      booked_usd: isSame ? before.booked_usd : 0,
    });
  }
}

/** Stores a window as it is. */
export function saveWindowRow(db: Database, row: WindowRow): void {
  db.sql(
    `INSERT OR REPLACE INTO windows (account, name, utilization, status, resets_at, seen_at, first_utilization,
            booked_utilization, booked_usd) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  ).run(
    row.account,
    row.name,
    row.utilization,
    row.status,
    row.resets_at === null ? null : Math.round(row.resets_at),
    row.seen_at,
    row.first_utilization,
    row.booked_utilization,
    row.booked_usd,
  );
}

/** Adds what was spent to the windows of an account, together with the use that they have reached by now. */
export function measureWindows(db: Database, account: string, costUsd: number): void {
  db.sql(
    `UPDATE windows SET booked_usd = booked_usd + ?, booked_utilization = utilization
          WHERE account = ? AND first_utilization IS NOT NULL`,
  ).run(costUsd, account);
}

/** The windows that have not been reset, for people and for the governor; those of plans come first. */
export function currentWindows(
  rows: readonly WindowRow[],
  labels: ReadonlyMap<string, string>,
  now: number,
): SeenWindow[] {
  return rows
    .filter((row) => expiry(row) > now)
    .map((row) => ({
      account: labels.get(row.account) ?? '',
      name: row.name,
      utilization: row.utilization,
      status: row.status,
      resetsAt: row.resets_at,
      seenAt: row.seen_at,
      sharePerUsd: sharePerUsd(row),
    }))
    .sort((a, b) => Number(isPlanWindow(b)) - Number(isPlanWindow(a)) || a.name.localeCompare(b.name));
}

function wasReset(before: WindowRow, used: number | null, resetsAt: number | null, now: number): boolean {
  if (expiry(before) <= now) return true;
  if (resetsAt !== null && before.resets_at !== null && resetsAt > before.resets_at + SAME_RESET_MS)
    return true;
  return used !== null && before.first_utilization !== null && used < before.first_utilization;
}

/** How long a window counts as it was seen. */
function expiry({ name, resets_at, seen_at }: WindowRow): number {
  if (resets_at !== null) return resets_at;
  if (!isPlanWindow({ name })) return seen_at + MINUTE_MS;
  return seen_at + (name === 'five_hour' ? 5 : 7 * 24) * HOUR_MS;
}

function sharePerUsd({ first_utilization, booked_utilization, booked_usd }: WindowRow): number | null {
  if (first_utilization === null || booked_utilization === null || booked_usd < LEAST_USD) return null;
  const growth = booked_utilization - first_utilization;
  return growth < LEAST_GROWTH ? null : growth / booked_usd;
}

/** An entry with what the ledger itself adds to it. */
interface Booking extends UsageEntry {
  readonly account: string;
  /** A path. */
  readonly project: string;
  /** Unix milliseconds. */
  readonly at: number;
}

const KEPT_MS = 60 * 24 * 3_600_000;

/** Books usage, a row for each model. */
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

/** What these accounts have used since a time, a sum for each model. */
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

/** Deletes usage that is too old to be asked for. */
export function pruneUsage(db: Database, now: number): void {
  const oldest = db.sql<{ at: number | null }>('SELECT min(at) AS at FROM usage').get()?.at ?? null;
  if (oldest === null || oldest >= now - KEPT_MS) return;
  db.writeRelaxed(() => db.sql('DELETE FROM usage WHERE at < ?').run(now - KEPT_MS));
}
