import type { StoreContext } from './event-log.ts';

/** How many plans are kept. */
const CACHED_PLANS = 50;

/** The manager's reply for a plan with these inputs, if it is kept. */
export function readPlan({ db }: StoreContext, hash: string): string | undefined {
  return db.sql<{ reply: string }>('SELECT reply FROM plan_cache WHERE hash = ?').get(hash)?.reply;
}

/** Keeps the manager's reply for a plan, and drops the oldest replies. */
export function savePlanReply({ db, log }: StoreContext, hash: string, reply: string): void {
  db.sql('INSERT OR REPLACE INTO plan_cache (hash, reply, created_at) VALUES (?, ?, ?)').run(
    hash,
    reply,
    log.now(),
  );
  db.sql(
    `DELETE FROM plan_cache WHERE hash NOT IN
       (SELECT hash FROM plan_cache ORDER BY created_at DESC, hash = ? DESC LIMIT ${CACHED_PLANS})`,
  ).run(hash);
}

/** The verdict of a gate on a tree in a run, if the gate has run on it. */
export function readVerdict(
  { db }: StoreContext,
  runId: string,
  tree: string,
  command: string,
): string | undefined {
  return db
    .sql<{ verdict: string }>(
      'SELECT verdict FROM gate_verdicts WHERE run_id = ? AND tree = ? AND command = ?',
    )
    .get(runId, tree, command)?.verdict;
}

/** Keeps the verdict of a gate on a tree in a run. */
export function saveVerdict(
  { db }: StoreContext,
  runId: string,
  tree: string,
  command: string,
  verdict: string,
): void {
  db.sql('INSERT OR REPLACE INTO gate_verdicts (run_id, tree, command, verdict) VALUES (?, ?, ?, ?)').run(
    runId,
    tree,
    command,
    verdict,
  );
}
