import type { Event, Stamped } from '../domain/event.ts';
import type { TaskId } from '../domain/task.ts';
import type { Database } from './database.ts';
import type { EventFilter } from './store.ts';
import { keyOf } from './task-rows.ts';

/** What every part of the store works with. */
export interface StoreContext {
  readonly db: Database;
  readonly tag: string;
  readonly log: EventLog;
}

/** Appends events to the store, inside the transaction that makes the change itself. */
export class EventLog {
  readonly #db: Database;
  readonly #tag: string;
  readonly #clock: () => number;
  #run: string | null = null;

  constructor(db: Database, tag: string, clock: () => number) {
    this.#db = db;
    this.#tag = tag;
    this.#clock = clock;
  }

  /** Sets the run that events belong to from now on if they name no run. */
  set run(id: string | null) {
    this.#run = id;
  }

  /** The current time: ISO 8601, UTC. */
  now(): string {
    return new Date(this.#clock()).toISOString();
  }

  /** Appends an event; returns it as reporters get it. */
  append(event: Event, at: string, run?: string): Stamped {
    this.appendNumbered(event, at, run);
    return { ...event, at };
  }

  /** Like `append`, but returns the event's number. */
  appendNumbered(event: Event, at: string, run?: string): number {
    const runId = run ?? ('runId' in event ? event.runId : null) ?? this.#run;
    const { lastInsertRowid } = this.#db
      .sql('INSERT INTO events (at, tag, run_id, type, body) VALUES (?, ?, ?, ?, ?)')
      .run(at, this.#tag, runId, event.type, JSON.stringify(event));
    const link = this.#db.sql(
      'INSERT OR IGNORE INTO event_tasks (tag, number, sub, event) VALUES (?, ?, ?, ?)',
    );
    for (const id of subjects(event)) {
      const { number, sub } = keyOf(id);
      link.run(this.#tag, number, sub, lastInsertRowid);
    }
    return lastInsertRowid;
  }

  /** The newest `limit` events (all of them by default) in the order in which they happened. */
  list({ taskId, runId, types, limit = -1 }: EventFilter): Stamped[] {
    const only = types === undefined ? null : JSON.stringify(types);
    const rows =
      taskId === undefined
        ? this.#ofListOrRun(runId, only, limit)
        : this.#ofTask(taskId, runId ?? null, only, limit);
    return rows.reverse().map(({ at, body }) => ({ ...(JSON.parse(body) as Event), at }));
  }

  #ofListOrRun(runId: string | undefined, only: string | null, limit: number): EventRow[] {
    const [column, value] = runId === undefined ? ['tag', this.#tag] : ['run_id', runId];
    return this.#db
      .sql<EventRow>(
        `SELECT at, body FROM events WHERE ${column} = ? AND ${OF_TYPE} ORDER BY id DESC LIMIT ?`,
      )
      .all(value, only, only, limit);
  }

  #ofTask(taskId: TaskId, runId: string | null, only: string | null, limit: number): EventRow[] {
    const { number, sub } = keyOf(taskId);
    const key = [this.#tag, number, sub] as const;
    return this.#db
      .sql<EventRow>(
        `SELECT e.at, e.body FROM event_tasks l JOIN events e ON e.id = l.event
         WHERE l.tag = ? AND l.number = ? AND l.sub = ?
           AND l.event >= coalesce((SELECT born FROM tasks WHERE tag = ? AND number = ? AND sub = ?), 0)
           AND coalesce(e.run_id = ?, ?) AND ${OF_TYPE}
         ORDER BY l.event DESC LIMIT ?`,
      )
      .all(...key, ...key, runId, runId === null ? 1 : 0, only, only, limit);
  }
}

/** Without a list of types, all types match. */
const OF_TYPE = '(? IS NULL OR type IN (SELECT value FROM json_each(?)))';

interface EventRow {
  readonly at: string;
  readonly body: string;
}

function subjects(event: Event): readonly TaskId[] {
  if ('taskIds' in event) return event.taskIds;
  return 'taskId' in event ? [event.taskId] : [];
}
