import { existsSync } from 'node:fs';
import { probeDriver } from '../../store/driver.ts';
import type { TaskStore } from '../../store/store.ts';
import { createProcessTable, type ProcessTable } from '../../worker/process/process-table.ts';
import type { Services } from '../services.ts';
import { openProjectStore, type Project } from '../project/project.ts';
import type { Finding, Findings } from './finding.ts';

/** What drives SQLite here; without it there is no task list, and nothing to be said of one. */
export function checkDriver({ ok }: Findings): Finding[] {
  return [ok(`${probeDriver()} can be loaded`)];
}

/** The database, read through and through. */
export async function checkStore(project: Project, findings: Findings): Promise<Finding[]> {
  const { databaseFile } = project;
  if (!canLoadDriver()) return [findings.skipped(NO_DRIVER)];
  const { copyNotice, describeCopy, newestCopy } = await import('../project/lost-store.ts');
  if (!existsSync(databaseFile)) {
    const notice = copyNotice(project);
    const kept = notice === undefined ? '' : `. ${notice.message}`;
    return [
      findings.failure(
        `there is no ${databaseFile}${kept}`,
        notice?.fix ?? 'Run `claude-orchestrator init`.',
      ),
    ];
  }
  const { inspectStore } = await import('../../store/inspect-store.ts');
  const { driver, problems } = inspectStore(databaseFile);
  const copy = newestCopy(project);
  const copied = copy === undefined ? '' : `; its newest copy is ${describeCopy(copy)}`;
  const rescue = copy === undefined ? '' : ' Or bring its copy back with `recover store --replace`.';
  const fix = `Copy ${databaseFile} and its -wal file away, then save what can be read with \`sqlite3 tasks.db .recover\`.${rescue}`;
  return problems.length === 0
    ? [findings.ok(`${databaseFile} is sound (${driver})${copied}`)]
    : problems.slice(0, 5).map((problem) => findings.failure(problem, fix));
}

/** A run that is in progress, one that was killed, and workers that it left behind. */
export async function checkRuns(
  services: Services,
  project: Project,
  findings: Findings,
): Promise<Finding[]> {
  if (!existsSync(project.databaseFile)) return [];
  if (!canLoadDriver()) return [findings.skipped(NO_DRIVER)];
  const store = await openProjectStore(project);
  try {
    return describeRuns(store, createProcessTable(services), findings);
  } finally {
    store.close();
  }
}

/** What is said of everything that is in SQLite where {@link checkDriver} has failed. */
export const NO_DRIVER = 'not checked: SQLite cannot be loaded';

/** Whether SQLite can be used at all. */
export function canLoadDriver(): boolean {
  try {
    probeDriver();
    return true;
  } catch {
    return false;
  }
}

function describeRuns(store: TaskStore, table: ProcessTable, findings: Findings): Finding[] {
  const run = store.lastRun();
  if (run !== undefined && run.endedAt === null && table.isAlive(run.process))
    return [
      findings.failure(
        `run ${run.id} is in progress in process ${run.process.pid}`,
        'Follow it with `claude-orchestrator status --watch`; a second one can start when it has ended.',
      ),
    ];
  const open = store.attempts({ running: true });
  const workers = open.flatMap(({ process, taskId }) =>
    process !== null && table.isAlive(process) ? [`${process.pid} (task ${taskId})`] : [],
  );
  if (workers.length > 0)
    return [
      findings.warning(
        `workers of a run that was killed still work: process ${workers.join(', ')}`,
        'Nothing is lost: `claude-orchestrator run` takes them over.',
      ),
    ];
  if (run !== undefined && run.endedAt === null)
    return [
      findings.warning(`run ${run.id} was killed`, '`claude-orchestrator run` continues where it was.'),
    ];
  if (open.length > 0)
    return [
      findings.warning(`${open.length} attempts have no end yet`, '`claude-orchestrator run` settles them.'),
    ];
  return [findings.ok('no run is in progress, and no worker was left behind')];
}
