import { existsSync } from 'node:fs';
import { choosePayer } from '../../domain/billing.ts';
import { formatDue } from '../../domain/text/clock.ts';
import { describeLimit } from '../../domain/usage-limit.ts';
import { probeDriver } from '../../store/driver.ts';
import type { TaskStore } from '../../store/store.ts';
import { createProcessTable, type ProcessTable } from '../../worker/process/process-table.ts';
import { accountsOf, openLedger, choosePayers } from '../claude/accounts.ts';
import type { ClaudeCli } from '../claude/claude-cli.ts';
import type { LoadedConfig } from '../config/load-config.ts';
import { openProjectStore } from '../project/open-store.ts';
import type { Project } from '../project/project.ts';
import { ledgerFile } from '../project/user-data.ts';
import type { Services } from '../services.ts';
import type { Finding } from '../contract/check.ts';
import type { Findings } from './finding.ts';

/** The driver of SQLite. Without one there is no task list, and no other check can say anything about it. */
export function checkDriver({ ok }: Findings): Finding[] {
  return [ok(`${probeDriver()} can be loaded`)];
}

/** The database, all of which is read. */
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

/** Whether a run is in progress, was killed, or has left workers behind. */
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

/** What checks of the database say where {@link checkDriver} has failed. */
const NO_DRIVER = 'not checked: SQLite cannot be loaded';

/** Whether SQLite can be used at all. */
function canLoadDriver(): boolean {
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

/** Whether a run would wait for a usage limit. Only limits that runs on this machine have met are known. */
export function checkLimits(
  services: Services,
  project: Project,
  settings: LoadedConfig,
  claude: ClaudeCli,
  findings: Findings,
): Finding[] {
  const hasApiKey = settings.secrets.apiKey !== null;
  const loggedIn = claude.kind === 'found' ? claude.login?.loggedIn : undefined;
  const payer = choosePayer({ auth: settings.config.claude_cli.auth, hasApiKey, loggedIn });
  if (!payer.ok) return [findings.skipped('not checked: it is not known who would pay')];
  if (!existsSync(ledgerFile(services))) return [findings.ok('no usage limit is known')];
  if (!canLoadDriver()) return [findings.skipped(NO_DRIVER)];
  const ledger = openLedger(
    services,
    project,
    accountsOf(services, settings, choosePayers(payer.value, settings)),
  );
  try {
    const now = Date.now();
    const pause = ledger.pause();
    if (pause === undefined || pause.until <= now) return [findings.ok('no usage limit is in force')];
    const met = `${describeLimit([pause.window])} is reached, until ${formatDue(pause.until, now)}`;
    return settings.config.monitoring.check_usage_before_start
      ? [
          findings.warning(
            `${met}: a run waits for it`,
            'Nothing: it goes on by itself then. After a change of plan, set monitoring.check_usage_before_start to false to try at once.',
          ),
        ]
      : [findings.warning(`${met}; monitoring.check_usage_before_start is false, so a run tries at once`)];
  } finally {
    ledger.close();
  }
}
