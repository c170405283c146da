import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { LearnedCosts, learnEstimates } from '../domain/estimate.ts';
import type { Event } from '../domain/event.ts';
import { fail } from '../domain/failure.ts';
import { redactValue } from '../domain/redact.ts';
import { Budget } from '../engine/budget.ts';
import { orchestrate } from '../engine/orchestrator.ts';
import type { RunOptions } from '../engine/run.ts';
import { readSummary } from '../reporting/summarize.ts';
import type { RunSummary } from '../reporting/summary.ts';
import { openRunLock, type RunLock } from '../store/run-lock.ts';
import type { TaskStore } from '../store/store.ts';
import { computeProjectKey } from '../worker/process/markers.ts';
import { createProcessTable } from '../worker/process/process-table.ts';
import { accountsOf, openLedger, choosePayers } from './claude/accounts.ts';
import { describeBilling, findWorkerPayer } from './claude/payer.ts';
import { retainTranscripts } from './project/transcripts.ts';
import type { RunReport, RunRequest } from './contract/run.ts';
import { listenForInterrupts, type Interrupt } from './interrupt.ts';
import type { PlanPreview } from './contract/plan.ts';
import { previewPlan } from './planning/preview.ts';
import { withStore } from './project/open-store.ts';
import type { Project } from './project/project.ts';
import { redactorFor } from './project/redaction.ts';
import { loadSettings } from './project/settings.ts';
import { workingDirectory } from './repository/work-place.ts';
import { checkReportFile, writeReport } from './run/html-report.ts';
import type { RunJob, RunView } from './run/job.ts';
import { managerForRun } from './run/manager.ts';
import { findNothingToDo } from './run/nothing-to-do.ts';
import { openReporters } from './run/reporters.ts';
import { createWorker, setUpRunner } from './run/worker.ts';
import { createWorkspaces } from './run/workspaces.ts';
import type { Services } from './services.ts';
import { parseIds, selectTasks } from './tasks/ids.ts';
import { loadGraphBoard } from './tasks/view.ts';

/** How often changes by other processes are looked for. */
const POLL_MS = 500;

/** Does the open tasks of a project, or those that are asked for; `view` follows the run as it goes. */
export async function run(
  project: Project,
  request: RunRequest,
  services: Services,
  view: RunView,
): Promise<RunReport> {
  refuseWindows(services);
  const settings = loadSettings(services, project, overridesOf(request));
  return await withStore(project, async (store) => {
    const only = request.ids === undefined ? {} : { only: selectTasks(store, parseIds(request.ids)) };
    const job = { project, request, services, settings, store, view, ...only };
    const message = await findNothingToDo(job);
    if (message !== undefined) return { type: 'nothing-to-do', message };
    const lock = holdProject(project, store, services);
    try {
      return { type: 'summary', ...(await runHeld(job)) };
    } finally {
      lock.release();
    }
  });
}

/** What would run when; nothing is asked and nothing starts. */
export async function previewRun(
  project: Project,
  request: RunRequest,
  services: Services,
): Promise<PlanPreview> {
  const settings = loadSettings(services, project, overridesOf(request));
  const { max_workers: workers } = settings.config.execution;
  return await withStore(project, (store) => {
    const { links: graph, estimate } = loadGraphBoard(store);
    const preview = previewPlan(graph, { estimate, workers, costPerMinute: null });
    return redactValue(preview, redactorFor(services, project));
  });
}

/** Throws `Failed` where workers could be started but not ended. */
export function refuseWindows({ platform }: Services): void {
  if (platform === 'win32')
    fail(
      'wrong-usage',
      'Runs do not work on Windows yet: what workers start could not be ended there.',
      'Run it in WSL (https://learn.microsoft.com/windows/wsl).',
    );
}

/** What a request sets of the configuration, by dotted path. */
export function overridesOf({ workers, maxCostUsd, review }: RunRequest): Record<string, unknown> {
  return {
    'execution.max_workers': workers,
    'budget.max_cost_usd': maxCostUsd,
    'monitoring.enable_opus_review': review === false ? false : undefined,
  };
}

/** Keeps other runs of the project away, or throws `Failed` ("run-in-progress") with who is at work there. */
export function holdProject({ databaseFile }: Project, store: TaskStore, { pid }: Services): RunLock {
  const holder = `process ${pid}, since ${new Date().toISOString()}.`;
  return openRunLock(`${databaseFile}-run-lock`, () => store.lastRun(), { holder });
}

/** Puts a run together, lets it happen and sums it up; the project is held by whoever calls it. */
export async function runHeld(job: RunJob): Promise<RunSummary> {
  const interrupt = listenForInterrupts(job.services);
  try {
    return await composeRun(job, interrupt);
  } finally {
    interrupt.release();
  }
}

async function composeRun(job: RunJob, { stop, hurry }: Interrupt): Promise<RunSummary> {
  const { project, request, services, settings, store, view } = job;
  const reportFile = request.report === undefined ? undefined : checkReportFile(services, request.report);
  const runId = newRunId();
  const processes = createProcessTable(services);
  const self = processes.identify(services.pid) ?? { pid: services.pid, startTime: 'unknown' };
  const redact = redactorFor(services, project);

  // Who pays, and how much there is.
  const { payer, recognised } = job.payer ?? (await findWorkerPayer(services, project, settings, stop));
  const accounts = accountsOf(services, settings, choosePayers(payer, settings));
  const ledger = openLedger(services, project, accounts);
  const budget = budgetOf(job);

  // Who is told: an event is stored first.
  const record = (event: Event): void => reporter.report(store.record(event));
  const warn = (message: string): void => record({ type: 'warning', message });
  const reporter = await openReporters(job, { runId, self, processes, ledger, redact, warn });

  // Who works, and where.
  const marked = { processes, project: computeProjectKey(project.root), self, hurry };
  const workspaces = await createWorkspaces(job, { runSetup: setUpRunner(settings, marked), warn, hurry });
  if (workspaces.description !== null) services.tell({ kind: 'note', message: workspaces.description });
  if (ledger.problem !== null) warn(ledger.problem);
  for (const event of store.calls.bookCutOff((process) => processes.isAlive(process))) reporter.report(event);
  const manager = managerForRun(job, { runId, process: self, record, budget, ledger });
  const worker = createWorker(settings, payer, {
    ...marked,
    store,
    runId,
    workspaces,
    reviewer: workspaces.changes === null ? null : manager.reviewer,
    warn,
  });

  // What is known of how long tasks take and what they cost.
  const history = store.finishedWork();
  const costs = new LearnedCosts(history, settings.config.models.worker.model);

  let summary: RunSummary | undefined;
  try {
    await orchestrate(
      {
        store,
        worker,
        workspaces: {
          ...workspaces,
          // The program answers while worktrees are made ready; one that is not the Claude CLI is refused before it
          // is paid.
          begin: async (id, unfinished) => {
            const notes = await workspaces.begin(id, unfinished);
            await recognised;
            return notes;
          },
        },
        reporter,
        plan: (_tasks, signal) => manager.plan(signal),
        estimate: learnEstimates(history),
        estimateCost: costs.estimate,
        learnCost: costs.learn,
        budget,
        ledger,
        isAlive: (process) => processes.isAlive(process),
        newSessionId: randomUUID,
        now: Date.now,
        random: Math.random,
      },
      {
        ...optionsOf(job),
        runId,
        process: self,
        accounts,
        billing: describeBilling(payer, settings),
        ...(job.only === undefined ? {} : { only: job.only }),
      },
      stop,
    );
  } finally {
    // The display first: what follows is about a run that is over.
    await reporter.close();
    ledger.close();
    const untidy = await retainTranscripts(project, store, settings.config.logs.keep_days);
    if (untidy !== undefined) services.tell({ kind: 'warning', message: untidy });
    if (reportFile !== undefined) services.tell(await writeReport(job, { runId, file: reportFile, redact }));
    const stored = store.run(runId);
    summary = stored && redactValue(readSummary(store, stored, Date.now()), redact);
    if (summary !== undefined) view.summarize(summary);
  }
  if (summary === undefined)
    throw new Error(`Internal error: run ${runId} has ended, and is not in the store.`);
  return summary;
}

function budgetOf({ settings, store, spentUsd = 0 }: RunJob): Budget {
  const { budget, execution, monitoring } = settings.config;
  return new Budget({
    maxCostUsd: budget.max_cost_usd,
    maxCostPerTaskUsd: budget.max_cost_per_task_usd,
    slots: execution.max_workers,
    carriedUsd: budget.max_cost_usd === null ? 0 : store.unfinishedSpending() + spentUsd,
    reviews: monitoring.enable_opus_review,
  });
}

function optionsOf({
  request,
  project,
  settings,
}: RunJob): Omit<RunOptions, 'runId' | 'process' | 'accounts' | 'billing' | 'only'> {
  const { execution, models, monitoring, review, usage } = settings.config;
  return {
    workers: execution.max_workers,
    failureMode: execution.failure_mode,
    maxRetries: execution.max_retries,
    retryBaseDelayMs: execution.retry_base_delay * 1000,
    retryMaxDelayMs: execution.retry_max_delay * 1000,
    maxReviewRounds: review.max_rounds,
    reservePercent: usage.reserve_percent,
    warnAtPercent: monitoring.usage_warning_threshold,
    checkBeforeStart: monitoring.check_usage_before_start,
    maxWaitMs: request.wait === false ? 0 : usage.max_wait === null ? null : usage.max_wait * 1000,
    workerModel: models.worker.model,
    directory: workingDirectory(project, settings),
    filesRoot: join(project.stateFolder, 'attempts'),
    pollMs: POLL_MS,
  };
}

/** Sortable by time, and short enough to be read aloud: `20261122-114500-3f9a`. */
function newRunId(): string {
  const time = new Date().toISOString().replace(/[-:]/g, '').replace('T', '-').slice(0, 15);
  return `${time}-${randomUUID().slice(0, 4)}`;
}
