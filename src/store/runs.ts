import type { ProcessIdentity } from '../domain/attempt.ts';
import type { PayingAccounts, RunOutcome, Stamped } from '../domain/event.ts';
import { fail } from '../domain/failure.ts';
import type { Run } from './store.ts';
import type { StoreContext } from './event-log.ts';

/** What a run starts with. */
export interface RunStart {
  readonly id: string;
  readonly process: ProcessIdentity;
  readonly workers: number;
  readonly billing: string;
  readonly tasks: number;
  readonly accounts?: PayingAccounts;
  readonly maxCostUsd?: number | null;
  readonly maxCostPerTaskUsd?: number | null;
}

/** Throws `Failed` ("run-in-progress") if the process of a run without an end is alive. */
export function requireAlone(store: StoreContext, isAlive: (process: ProcessIdentity) => boolean): void {
  const other = openRuns(store).find(({ process }) => isAlive(process));
  if (other !== undefined) refuseSecondRun(other);
}

/** Starts a run, unless another one is alive. Runs that were killed are ended as interrupted. */
export function startRun(
  store: StoreContext,
  run: RunStart,
  isAlive: (process: ProcessIdentity) => boolean,
): Stamped {
  const { db, log } = store;
  requireAlone(store, isAlive);
  for (const { id, process } of openRuns(store))
    endRun(store, id, 'interrupted', `The orchestrator (process ${process.pid}) was killed.`);
  const at = log.now();
  db.sql(
    `INSERT INTO runs (id, pid, process_start, workers, billing, started_at, message)
     VALUES (?, ?, ?, ?, ?, ?, '')`,
  ).run(run.id, run.process.pid, run.process.startTime, run.workers, run.billing, at);
  const { id: runId, workers, tasks, billing, accounts, maxCostUsd, maxCostPerTaskUsd } = run;
  return log.append(
    {
      type: 'run-started',
      runId,
      workers,
      tasks,
      billing,
      ...(accounts && { accounts }),
      ...(maxCostUsd === undefined ? {} : { maxCostUsd }),
      ...(maxCostPerTaskUsd === undefined ? {} : { maxCostPerTaskUsd }),
    },
    at,
  );
}

/** Ends a run. If another process took it for dead and ended it meanwhile, this end replaces that one. */
export function endRun(
  { db, log }: StoreContext,
  runId: string,
  outcome: RunOutcome,
  message: string,
): Stamped {
  const at = log.now();
  const { changes } = db
    .sql('UPDATE runs SET ended_at = ?, outcome = ?, message = ? WHERE id = ?')
    .run(at, outcome, message, runId);
  if (changes === 0) throw new Error(`There is no run ${runId} to end.`);
  return log.append({ type: 'run-ended', runId, outcome, message }, at);
}

/** The run with this id; without an id, the newest run. */
export function readRun({ db }: StoreContext, id?: string): Run | undefined {
  const row =
    id === undefined
      ? db.sql<RunRow>('SELECT * FROM runs ORDER BY seq DESC LIMIT 1').get()
      : db.sql<RunRow>('SELECT * FROM runs WHERE id = ?').get(id);
  return row === undefined ? undefined : toRun(row);
}

interface RunRow {
  readonly id: string;
  readonly pid: number;
  readonly process_start: string;
  readonly workers: number;
  readonly billing: string;
  readonly started_at: string;
  readonly ended_at: string | null;
  readonly outcome: RunOutcome | null;
  readonly message: string;
}

function openRuns({ db }: StoreContext): Run[] {
  return db.sql<RunRow>('SELECT * FROM runs WHERE ended_at IS NULL ORDER BY seq').all().map(toRun);
}

function toRun(row: RunRow): Run {
  return {
    id: row.id,
    process: { pid: row.pid, startTime: row.process_start },
    workers: row.workers,
    billing: row.billing,
    startedAt: row.started_at,
    endedAt: row.ended_at,
    outcome: row.outcome,
    message: row.message,
  };
}

/** Refuses to start beside a run; `where` says where its process is. */
export function refuseSecondRun({ id, process, startedAt, workers }: Run, where = ''): never {
  return fail(
    'run-in-progress',
    `Run ${id} is in progress: process ${process.pid}, since ${startedAt}, with ${workers} ${workers === 1 ? 'worker' : 'workers'}.`,
    `Watch it with \`claude-orchestrator status --watch\`, or stop it with \`kill -INT ${process.pid}\`${where}.`,
  );
}
