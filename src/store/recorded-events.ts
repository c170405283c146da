import type { Event, Stamped } from '../domain/event.ts';
import type { StoreContext } from './event-log.ts';
import { settleCall, bookUsage } from './usage.ts';

/** Appends an event that changes no task, and updates the attempt and the usage that the event is about. */
export function recordEvent(store: StoreContext, event: Event): Stamped {
  const { db, log, tag } = store;
  const at = log.now();
  switch (event.type) {
    case 'attempt-progress':
      return { ...event, at };
    case 'attempt-spawned': {
      const { pid, startTime } = event.process;
      db.sql('UPDATE attempts SET pid = ?, process_start = ? WHERE id = ? AND tag = ?').run(
        pid,
        startTime,
        event.attemptId,
        tag,
      );
      return log.append(event, at, runOf(store, event.attemptId));
    }
    case 'attempt-prepared':
      db.sql('UPDATE attempts SET directory = ?, branch = ?, base = ? WHERE id = ? AND tag = ?').run(
        event.directory,
        event.branch,
        event.base,
        event.attemptId,
        tag,
      );
      return log.append(event, at, runOf(store, event.attemptId));
    case 'landing-intended':
      db.sql('UPDATE attempts SET landing = ? WHERE id = ? AND tag = ?').run(
        event.commit,
        event.attemptId,
        tag,
      );
      return log.append(event, at, runOf(store, event.attemptId));
    case 'attempt-phase':
      db.sql('UPDATE attempts SET phase = ? WHERE id = ? AND tag = ?').run(event.phase, event.attemptId, tag);
      return log.append(event, at, runOf(store, event.attemptId));
    case 'manager-called':
      if (event.callId !== undefined) settleCall(store, event.callId);
      bookUsage(store, { role: 'manager', runId: event.runId, attemptId: null, at }, event.usage);
      return log.append(event, at);
    case 'run-delivered':
    case 'run-planned':
    case 'run-paused':
    case 'run-resumed':
    case 'usage-warning':
    case 'budget-wait':
    case 'retry-scheduled':
    case 'warning':
      return log.append(event, at);
    case 'manager-cut-off':
    case 'run-started':
    case 'run-ended':
    case 'attempt-started':
    case 'attempt-ended':
    case 'status-changed':
    case 'tasks-added':
    case 'task-edited':
    case 'tasks-deleted':
    case 'dependency-added':
    case 'dependency-removed':
      throw new Error(`"${event.type}" is written by the method that makes the change, never on its own.`);
  }
}

/** Whether an event means nothing after a power failure, which ends every worker too. */
export function isTransient(event: Event): boolean {
  // A worktree outlives a power failure, with what was written in it.
  if (event.type === 'attempt-prepared') return event.branch === null;
  return event.type === 'attempt-spawned' || (event.type === 'attempt-phase' && event.phase !== 'landing');
}

function runOf({ db, tag }: StoreContext, attemptId: number): string {
  const row = db
    .sql<{ run_id: string }>('SELECT run_id FROM attempts WHERE id = ? AND tag = ?')
    .get(attemptId, tag);
  if (row === undefined) throw new Error(`There is no attempt ${attemptId} in the list "${tag}".`);
  return row.run_id;
}
