import { stdoutWidth } from '../cli/print.ts';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { ProcessIdentity } from '../domain/attempt.ts';
import { Budget } from '../engine/budget.ts';
import { LearnedCosts, learnEstimates } from '../domain/estimate.ts';
import type { Event, RunOutcome } from '../domain/event.ts';
import type { RunParts } from '../engine/run.ts';
import { orchestrate } from '../engine/orchestrator.ts';
import { redactValue } from '../domain/redact.ts';
import { choosePresentation, type Presentation } from '../reporting/terminal/display.ts';
import { formatSummary } from '../cli/run/summary-text.ts';
import { readSummary } from '../reporting/summarize.ts';
import type { Redact } from '../domain/redact.ts';
import type { RunOptions } from '../engine/run-options.ts';
import { openRunLock, type RunLock } from '../store/run-lock.ts';
import type { TaskId } from '../domain/task.ts';
import { projectKey } from '../worker/process/markers.ts';
import { createProcessTable, type ProcessTable } from '../worker/process/process-table.ts';
import { retainTranscripts } from './project/transcripts.ts';
import { EXIT } from '../cli/cli.ts';
import {
  commandRunner,
  createWorker,
  describeBilling,
  findWorkerPayer,
  workingDirectory,
} from './run/worker.ts';
import { listenForInterrupts, type Interrupt } from './interrupt.ts';
import { redactorFor } from './project/redaction.ts';
import { accountsOf, openLedger, payersOf } from './claude/accounts.ts';
import { createWorkspaces } from './run/workspaces.ts';
import { hurriedDelivery } from './run/hurried-delivery.ts';
import { setupRunner } from './run/setup-runner.ts';
import { checkReportFile, writeReport } from './run/html-report.ts';
import { runReporters } from './run/reporters.ts';
import { managerForRun } from './run/manager.ts';
import type { RunContext } from './run/job.ts';

/** How often changes by other processes are looked for. */
const POLL_MS = 500;

const OUTCOME_EXIT: Readonly<Record<RunOutcome, number>> = {
  completed: EXIT.done,
  'completed-with-failures': EXIT.tasksFailed,
  'paused-usage-limit': EXIT.usageLimit,
  'over-budget': EXIT.overBudget,
  unauthenticated: EXIT.notAuthenticated,
  'model-unavailable': EXIT.usage,
  outage: EXIT.tasksFailed,
  interrupted: EXIT.interrupted,
};

/** Puts a run together, lets it happen and sums it up; returns the exit code. */
export async function executeRun(context: RunContext, only: readonly TaskId[] | undefined): Promise<number> {
  const lock = holdForRun(context);
  try {
    return await executeHeldRun(context, only);
  } finally {
    lock.release();
  }
}

/** Keeps other runs of the project away, or throws `Failed` ("run-in-progress") with who is at work there. */
export function holdForRun({ cli, project, store }: Pick<RunContext, 'cli' | 'project' | 'store'>): RunLock {
  const holder = `process ${cli.pid}, since ${new Date().toISOString()}.`;
  return openRunLock(`${project.databaseFile}-run-lock`, () => store.lastRun(), { holder });
}

/** The same where the project is held already. */
export async function executeHeldRun(
  context: RunContext,
  only: readonly TaskId[] | undefined,
): Promise<number> {
  const { stop, hurry, release } = listenForInterrupts(context.cli);
  try {
    return await holdingTheProject(context, only, { stop, hurry });
  } finally {
    release();
  }
}

async function holdingTheProject(
  context: RunContext,
  only: readonly TaskId[] | undefined,
  { stop, hurry }: Omit<Interrupt, 'release'>,
): Promise<number> {
  const { cli, options, project, settings, store } = context;
  const { execution, verify } = settings.config;
  const reportFile = options.report === undefined ? undefined : checkReportFile(cli, options.report);
  const runId = newRunId();
  const processes = createProcessTable(cli);
  const presentation = present(context);
  const { payer, recognised } = context.payer ?? (await findWorkerPayer(cli, project, settings, stop));
  const accounts = accountsOf(cli, settings, payersOf(payer, settings));
  const ledger = openLedger(cli, project, accounts);
  const redact = redactorFor(cli, project);
  const record = (event: Event): void => reporter.report(store.record(event));
  const warn = (message: string): void => record({ type: 'warning', message });
  const reporter = await runReporters(context, { runId, presentation, processes, ledger, redact, warn });
  const runSetup = setupRunner(
    commandRunner(settings, processes, execution.worker_timeout, hurry),
    projectKey(project.root),
    processes.identify(cli.pid),
  );
  const workspaces = await createWorkspaces(cli, project, settings, { store, runSetup, warn });
  const { description } = workspaces;
  if (description !== null && presentation.level !== 'quiet' && presentation.kind !== 'ndjson')
    cli.stderr.write(`note: ${description}\n`);
  if (ledger.problem !== null) warn(ledger.problem);
  for (const event of store.calls.bookCutOff((process) => processes.isAlive(process))) reporter.report(event);
  const budget = budgetFor(context);
  const manager = managerForRun(context, { runId, process: selfOf(cli, processes), record, budget, ledger });
  const history = store.finishedWork();
  const costs = new LearnedCosts(history, settings.config.models.worker.model);
  const worker = createWorker(project, settings, payer, {
    store,
    runId,
    workspaces,
    processes,
    hurry,
    reviewer: workspaces.changes === null ? null : manager.reviewer,
    runCommand: commandRunner(settings, processes, verify.timeout, hurry),
    warn,
  });
  const parts: RunParts = {
    store,
    worker,
    workspaces: {
      ...hurriedDelivery(workspaces, hurry),
      // The program answers while worktrees are made ready; one that is not the Claude CLI is refused before it is paid.
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
  };
  const runOptions = {
    ...optionsFor(context, processes, runId, describeBilling(payer, settings)),
    accounts,
  };
  try {
    const { outcome, delivery } = await orchestrate(
      parts,
      only === undefined ? runOptions : { ...runOptions, only },
      stop,
    );
    const isUndelivered = outcome === 'completed' && delivery.kind === 'left';
    return cli.interruptExit ?? (isUndelivered ? EXIT.notDelivered : OUTCOME_EXIT[outcome]);
  } finally {
    await reporter.close();
    ledger.close();
    const untidy = await retainTranscripts(project, store, settings.config.logs.keep_days);
    if (untidy !== undefined) cli.stderr.write(`warning: ${untidy}\n`);
    if (reportFile !== undefined) await report(context, runId, reportFile, redact);
    printSummary(context, runId, presentation);
  }
}

function selfOf({ pid }: RunContext['cli'], processes: ProcessTable): ProcessIdentity {
  return processes.identify(pid) ?? { pid, startTime: 'unknown' };
}

function budgetFor({ settings, store, spentUsd = 0 }: RunContext): Budget {
  const { budget, execution, monitoring } = settings.config;
  return new Budget({
    maxCostUsd: budget.max_cost_usd,
    maxCostPerTaskUsd: budget.max_cost_per_task_usd,
    slots: execution.max_workers,
    carriedUsd: budget.max_cost_usd === null ? 0 : store.unfinishedSpending() + spentUsd,
    reviews: monitoring.enable_opus_review,
  });
}

function optionsFor(
  { cli, options, project, settings }: RunContext,
  processes: ProcessTable,
  runId: string,
  billing: string,
): Omit<RunOptions, 'accounts'> {
  const { execution, models, monitoring, review, usage } = settings.config;
  return {
    runId,
    process: selfOf(cli, processes),
    workers: execution.max_workers,
    failureMode: execution.failure_mode,
    maxRetries: execution.max_retries,
    retryBaseDelayMs: execution.retry_base_delay * 1000,
    retryMaxDelayMs: execution.retry_max_delay * 1000,
    maxReviewRounds: review.max_rounds,
    reservePercent: usage.reserve_percent,
    warnAtPercent: monitoring.usage_warning_threshold,
    checkBeforeStart: monitoring.check_usage_before_start,
    maxWaitMs: options.wait === false ? 0 : usage.max_wait === null ? null : usage.max_wait * 1000,
    billing,
    workerModel: models.worker.model,
    directory: workingDirectory(project, settings),
    filesRoot: join(project.stateFolder, 'attempts'),
    pollMs: POLL_MS,
  };
}

function present({ cli, options, settings }: RunContext): Presentation {
  const { show_progress_bar: showProgressBar, verbose_logging: verboseLogging } = settings.config.monitoring;
  return choosePresentation({
    isTTY: cli.stdout.isTTY === true,
    columns: cli.stdout.columns,
    json: options.json === true,
    noProgress: options.progress === false,
    quiet: options.quiet === true,
    verbose: options.verbose === true || verboseLogging,
    noColor: options.color === false,
    showProgressBar,
    env: cli.env,
  });
}

async function report(context: RunContext, runId: string, file: string, redact: Redact): Promise<void> {
  const { cli, options } = context;
  const problem = await writeReport(context, runId, file, redact);
  if (problem !== undefined) cli.stderr.write(`warning: ${problem}\n`);
  else if (options.quiet !== true) cli.stderr.write(`note: the report is in ${file}\n`);
}

function printSummary(
  { cli, project, store }: RunContext,
  runId: string,
  { kind, color }: Presentation,
): void {
  const run = store.run(runId);
  if (run === undefined) return;
  // What could not even begin has nothing to sum up; the error that ended it says why, and what to do.
  const isBare = store.attempts({ runId }).length + store.usage({ runId }).length === 0;
  if (kind !== 'ndjson' && isBare && run.outcome === 'interrupted') return;
  const summary = redactValue(readSummary(store, run, Date.now()), redactorFor(cli, project));
  if (kind === 'ndjson') cli.stdout.write(`${JSON.stringify({ type: 'summary', ...summary })}\n`);
  else cli.stdout.write(`\n${formatSummary(summary, { columns: stdoutWidth(cli), color })}`);
}

/** Sortable by time, and short enough to be read aloud: `20261122-114500-3f9a`. */
function newRunId(): string {
  const time = new Date().toISOString().replace(/[-:]/g, '').replace('T', '-').slice(0, 15);
  return `${time}-${randomUUID().slice(0, 4)}`;
}
