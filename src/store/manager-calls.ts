import type { ModelUsage, ProcessIdentity } from '../domain/attempt.ts';
import type { Stamped } from '../domain/event.ts';
import type { CutOffCalls, IntendedCall, ManagerCalls } from './store.ts';
import type { StoreContext } from './task-status.ts';
import { bookUsage, IN_UNFINISHED_RUNS } from './usage.ts';

/** The calls of the manager in the task store. */
export class StoredCalls implements ManagerCalls {
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

/** Forgets a call that has come to its outcome, with what was booked for it where it was taken for cut off. */
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
