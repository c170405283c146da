import type { Schema } from '../store/database.ts';

/** The usage ledger's schema ("clou"). A step that was released is never changed; times are Unix milliseconds. */
export const LEDGER_SCHEMA: Schema = {
  name: 'usage ledger',
  applicationId: 0x636c6f75,
  migrations: [
    `
    -- first_utilization is what was used when the window was seen first since its last reset; booked_usd is what was
    -- booked since then, and booked_utilization what was used at the last booking.
    CREATE TABLE windows (
      account TEXT NOT NULL,
      name TEXT NOT NULL,
      utilization REAL,
      status TEXT NOT NULL,
      resets_at INTEGER,
      seen_at INTEGER NOT NULL,
      first_utilization REAL,
      booked_utilization REAL,
      booked_usd REAL NOT NULL,
      PRIMARY KEY (account, name)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE pauses (
      account TEXT PRIMARY KEY,
      since INTEGER NOT NULL,
      until INTEGER NOT NULL,
      window TEXT
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE usage (
      id INTEGER PRIMARY KEY,
      at INTEGER NOT NULL,
      account TEXT NOT NULL,
      role TEXT NOT NULL,
      project TEXT NOT NULL,
      run TEXT,
      task TEXT,
      model TEXT NOT NULL,
      input INTEGER NOT NULL,
      output INTEGER NOT NULL,
      cache_read INTEGER NOT NULL,
      cache_write INTEGER NOT NULL,
      cost_usd REAL NOT NULL
    ) STRICT;
    CREATE INDEX usage_by_time ON usage (at);
    `,
  ],
};
