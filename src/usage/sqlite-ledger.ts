import { dirname } from 'node:path';
import { messageOf } from '../domain/failure.ts';
import { totalCost, type ModelUsage } from '../domain/attempt.ts';
import { Database, type Schema } from '../store/database.ts';
import type { DriverOptions } from '../store/driver.ts';
import { makePrivateFolder } from '../store/private-folder.ts';
import { extendPause, type LimitObservation, type LimitPause } from '../domain/usage-limit.ts';
import type { Account } from './account.ts';
import type { Role, SeenWindow, UsageEntry, UsageLedger } from './ledger.ts';
import {
  bookEntry,
  pruneUsage,
  usedSince,
  currentWindows,
  measureWindows,
  saveWindowRow,
  saveWindows,
  type WindowRow,
} from './ledger-rows.ts';

/** Which ledger to open, and for which accounts. */
export interface LedgerOptions extends DriverOptions {
  /** The database of this user; the file and its directory are created if they are missing. */
  readonly file: string;
  /** The accounts that pay for workers and for the manager. */
  readonly accounts: Readonly<Record<Role, Account>>;
  /** The project that usage is booked on, a path. */
  readonly project: string;
  /** Unix milliseconds. */
  readonly now: () => number;
}

/** Opens the usage ledger of this user. If the file cannot be used, `problem` of the ledger says why. */
export function openUsageLedger(options: LedgerOptions): UsageLedger {
  return new SqliteLedger(options);
}

interface PauseRow extends LimitPause {
  readonly account: string;
}

/** What was read last. Without a version, it has to be read again. */
interface Snapshot {
  readonly version: number | null;
  readonly windows: readonly WindowRow[];
  readonly pauses: readonly PauseRow[];
}

class SqliteLedger implements UsageLedger {
  readonly #options: LedgerOptions;
  readonly #labels: ReadonlyMap<string, string>;
  #db: Database;
  #snapshot: Snapshot = { version: null, windows: [], pauses: [] };
  #problem: string | null = null;

  constructor(options: LedgerOptions) {
    this.#options = options;
    const { worker, manager } = options.accounts;
    this.#labels = new Map([worker, manager].map(({ id, label }) => [id, label]));
    try {
      makePrivateFolder(dirname(options.file));
      this.#db = new Database(options.file, LEDGER_SCHEMA, options);
    } catch (error) {
      this.#db = this.#inMemory(error);
    }
    this.#use((db) => {
      pruneUsage(db, options.now());
    });
  }

  get problem(): string | null {
    return this.#problem;
  }

  observe(role: Role, observation: LimitObservation): void {
    const now = this.#options.now();
    const { id } = this.#options.accounts[role];
    this.#write((db) => {
      saveWindows(db, id, observation, now);
      const before = db.sql<PauseRow>('SELECT * FROM pauses WHERE account = ?').get(id);
      const pause = extendPause(before, observation, now);
      if (pause !== undefined && pause !== before) savePause(db, id, pause);
    });
  }

  book(entry: UsageEntry): void {
    if (entry.usage.length === 0) return;
    const { accounts, project, now } = this.#options;
    const account = accounts[entry.role].id;
    const costUsd = totalCost(entry.usage);
    this.#write((db) => {
      bookEntry(db, { ...entry, account, project, at: now() });
      measureWindows(db, account, costUsd);
    });
  }

  windows(): readonly SeenWindow[] {
    return currentWindows(this.#current().windows, this.#labels, this.#options.now());
  }

  pause(): LimitPause | undefined {
    const now = this.#options.now();
    let longest: PauseRow | undefined;
    for (const pause of this.#current().pauses) {
      if (pause.until > now && (longest === undefined || pause.until > longest.until)) longest = pause;
    }
    return longest === undefined
      ? undefined
      : { since: longest.since, until: longest.until, window: longest.window };
  }

  usedSince(since: number): readonly ModelUsage[] {
    return this.#use((db) => usedSince(db, [...this.#labels.keys()], since));
  }

  close(): void {
    try {
      this.#db.close();
    } catch {
      // Everything that could be written was written before.
    }
  }

  /** The stored state of the accounts in use; it is read again only after something was written. */
  #current(): Snapshot {
    return this.#use((db) => {
      const version = db.version();
      if (version !== this.#snapshot.version) this.#snapshot = this.#read(db, version);
      return this.#snapshot;
    });
  }

  #read(db: Database, version: number): Snapshot {
    const isInUse = ({ account }: { readonly account: string }): boolean => this.#labels.has(account);
    return db.read(() => ({
      version,
      windows: db.sql<WindowRow>('SELECT * FROM windows').all().filter(isInUse),
      pauses: db.sql<PauseRow>('SELECT * FROM pauses').all().filter(isInUse),
    }));
  }

  #write(work: (db: Database) => void): void {
    this.#snapshot = { ...this.#snapshot, version: null };
    this.#use((db) => db.writeRelaxed(() => work(db)));
  }

  #use<T>(work: (db: Database) => T): T {
    try {
      return work(this.#db);
    } catch (error) {
      const broken = this.#db;
      this.#db = this.#inMemory(error);
      try {
        broken.close();
      } catch {
        // It cannot be used any more anyway.
      }
      return work(this.#db);
    }
  }

  /** Makes a ledger in memory, for this process alone, with what the process has read so far. */
  #inMemory(error: unknown): Database {
    const reason = messageOf(error);
    this.#problem ??= `${reason} This run does not see the usage limits that other runs meet, and they do not see the limits of this run.`;
    const { windows, pauses } = this.#snapshot;
    const db = new Database(':memory:', LEDGER_SCHEMA, this.#options);
    db.write(() => {
      for (const row of windows) saveWindowRow(db, row);
      for (const pause of pauses) savePause(db, pause.account, pause);
    });
    return db;
  }
}

function savePause(db: Database, account: string, { since, until, window }: LimitPause): void {
  db.sql('INSERT OR REPLACE INTO pauses (account, since, until, window) VALUES (?, ?, ?, ?)').run(
    account,
    Math.round(since),
    Math.round(until),
    window,
  );
}

/** The schema of the usage ledger ("clou"). A released step is never changed. Times are Unix milliseconds. */
const LEDGER_SCHEMA: Schema = {
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
