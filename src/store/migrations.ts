import type { Schema } from './database.ts';

/** A released step is never changed. A change of the tables is a new step at the end. */
const MIGRATIONS: readonly string[] = [
  `
  -- number.sub is the task's id, sub 0 a top-level task. born is the event that added it: ids are used again after a
  -- deletion, and it tells the history of one task from that of an earlier one with the same id.
  CREATE TABLE tasks (
    tag TEXT NOT NULL,
    number INTEGER NOT NULL CHECK (number > 0),
    sub INTEGER NOT NULL CHECK (sub >= 0),
    born INTEGER NOT NULL REFERENCES events (id),
    title TEXT NOT NULL,
    description TEXT NOT NULL,
    details TEXT NOT NULL,
    test_strategy TEXT NOT NULL,
    priority TEXT NOT NULL,
    status TEXT NOT NULL,
    size TEXT,
    estimate_minutes REAL,
    touches TEXT NOT NULL CHECK (json_valid(touches)),
    risk TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    PRIMARY KEY (tag, number, sub)
  ) STRICT;

  CREATE TABLE dependencies (
    tag TEXT NOT NULL,
    number INTEGER NOT NULL,
    sub INTEGER NOT NULL,
    needs_number INTEGER NOT NULL,
    needs_sub INTEGER NOT NULL,
    PRIMARY KEY (tag, number, sub, needs_number, needs_sub),
    FOREIGN KEY (tag, number, sub) REFERENCES tasks (tag, number, sub) ON DELETE CASCADE,
    FOREIGN KEY (tag, needs_number, needs_sub) REFERENCES tasks (tag, number, sub) DEFERRABLE INITIALLY DEFERRED
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX dependencies_by_need ON dependencies (tag, needs_number, needs_sub);

  CREATE TABLE runs (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    pid INTEGER NOT NULL,
    process_start TEXT NOT NULL,
    workers INTEGER NOT NULL,
    billing TEXT NOT NULL,
    started_at TEXT NOT NULL,
    ended_at TEXT,
    outcome TEXT,
    message TEXT NOT NULL,
    CHECK ((ended_at IS NULL) = (outcome IS NULL))
  ) STRICT;
  CREATE INDEX runs_open ON runs (seq) WHERE ended_at IS NULL;

  -- Attempts and what they cost outlive their task. size and estimate_minutes are those of the task at its claim.
  CREATE TABLE attempts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    run_id TEXT NOT NULL REFERENCES runs (id),
    tag TEXT NOT NULL,
    number INTEGER NOT NULL,
    sub INTEGER NOT NULL,
    born INTEGER NOT NULL,
    ordinal INTEGER NOT NULL,
    session_id TEXT NOT NULL,
    resumed INTEGER NOT NULL,
    model TEXT NOT NULL,
    directory TEXT NOT NULL,
    files_root TEXT NOT NULL,
    pid INTEGER,
    process_start TEXT,
    phase TEXT NOT NULL,
    size TEXT,
    estimate_minutes REAL,
    started_at TEXT NOT NULL,
    ended_at TEXT,
    outcome TEXT,
    end TEXT CHECK (end IS NULL OR json_valid(end)),
    UNIQUE (tag, number, sub, born, ordinal),
    CHECK ((ended_at IS NULL) = (outcome IS NULL) AND (ended_at IS NULL) = (end IS NULL))
  ) STRICT;
  CREATE INDEX attempts_by_run ON attempts (run_id);
  CREATE INDEX attempts_open ON attempts (tag, number, sub) WHERE ended_at IS NULL;
  CREATE INDEX attempts_by_session ON attempts (session_id);
  CREATE INDEX attempts_landed ON attempts (id) WHERE outcome = 'landed';

  CREATE TABLE events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at TEXT NOT NULL,
    tag TEXT NOT NULL,
    run_id TEXT,
    type TEXT NOT NULL,
    body TEXT NOT NULL CHECK (json_valid(body))
  ) STRICT;
  CREATE INDEX events_by_tag ON events (tag);
  CREATE INDEX events_by_run ON events (run_id) WHERE run_id IS NOT NULL;

  -- Which tasks an event is about.
  CREATE TABLE event_tasks (
    tag TEXT NOT NULL,
    number INTEGER NOT NULL,
    sub INTEGER NOT NULL,
    event INTEGER NOT NULL REFERENCES events (id),
    PRIMARY KEY (tag, number, sub, event)
  ) STRICT, WITHOUT ROWID;

  CREATE TRIGGER events_no_update BEFORE UPDATE ON events
    BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
  CREATE TRIGGER events_no_delete BEFORE DELETE ON events
    BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
  CREATE TRIGGER event_tasks_no_update BEFORE UPDATE ON event_tasks
    BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
  CREATE TRIGGER event_tasks_no_delete BEFORE DELETE ON event_tasks
    BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;

  CREATE TABLE usage (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('manager', 'worker')),
    run_id TEXT,
    attempt_id INTEGER REFERENCES attempts (id),
    model TEXT NOT NULL,
    input INTEGER NOT NULL,
    output INTEGER NOT NULL,
    cache_read INTEGER NOT NULL,
    cache_write INTEGER NOT NULL,
    cost_usd REAL NOT NULL
  ) STRICT;
  CREATE INDEX usage_by_run ON usage (run_id) WHERE run_id IS NOT NULL;
  CREATE INDEX usage_by_attempt ON usage (attempt_id) WHERE attempt_id IS NOT NULL;
  CREATE INDEX usage_by_time ON usage (at);

  CREATE TABLE plan_cache (
    hash TEXT PRIMARY KEY,
    reply TEXT NOT NULL,
    created_at TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- Where an attempt worked, and the commit it was about to land as.
  ALTER TABLE attempts ADD COLUMN branch TEXT;
  ALTER TABLE attempts ADD COLUMN base TEXT;
  ALTER TABLE attempts ADD COLUMN landing TEXT;

  -- What a verify command said of a tree, so that no tree is tested twice in a run.
  CREATE TABLE gate_verdicts (
    run_id TEXT NOT NULL REFERENCES runs (id),
    tree TEXT NOT NULL,
    command TEXT NOT NULL,
    verdict TEXT NOT NULL CHECK (json_valid(verdict)),
    PRIMARY KEY (run_id, tree, command)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- The session that an attempt's own began as a copy of, and what was held of the run's budget for it.
  ALTER TABLE attempts ADD COLUMN forked_from TEXT;
  ALTER TABLE attempts ADD COLUMN max_cost_usd REAL;
  `,
  `
  -- What tasks were made of, so that no document becomes tasks twice unasked.
  CREATE TABLE documents (
    id INTEGER PRIMARY KEY,
    tag TEXT NOT NULL,
    path TEXT,
    digest TEXT NOT NULL,
    parsed_at TEXT NOT NULL
  ) STRICT;
  CREATE INDEX documents_by_tag ON documents (tag);
  `,
  `
  -- What a running attempt has used so far, by model; what it used in the end is in the table usage.
  ALTER TABLE attempts ADD COLUMN used_so_far TEXT;
  `,
  `
  -- All that decides what can start and in which order, without the texts of the tasks.
  CREATE INDEX tasks_outline ON tasks (tag, number, sub, status, priority, size, estimate_minutes);
  CREATE INDEX tasks_failed ON tasks (tag, number, sub) WHERE status = 'failed';
  `,
  `
  -- Calls of the manager that have no outcome: what one is booked with, as usage_id, once its process was found gone.
  CREATE TABLE manager_calls (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at TEXT NOT NULL,
    purpose TEXT NOT NULL,
    run_id TEXT,
    pid INTEGER NOT NULL,
    process_start TEXT NOT NULL,
    bound TEXT NOT NULL CHECK (json_valid(bound)),
    usage_id INTEGER REFERENCES usage (id)
  ) STRICT;
  `,
];

/** The schema of the task store ("clor"). */
export const STORE_SCHEMA: Schema = {
  name: 'task store',
  applicationId: 0x636c6f72,
  migrations: MIGRATIONS,
};
