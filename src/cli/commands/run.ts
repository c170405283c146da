import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import type { LoadedConfig } from '../../config.ts';
import { learnEstimates } from '../../estimate.ts';
import type { RunOutcome, Stamped } from '../../event.ts';
import { Failed, fail } from '../../failure.ts';
import { booked } from '../../manager/booked.ts';
import { orchestrate, type Orchestration } from '../../orchestrator.ts';
import type { RunOptions } from '../../run-options.ts';
import { choosePresentation, type Presentation } from '../../reporting/choose.ts';
import { createReporter } from '../../reporting/create-reporter.ts';
import { fanOut } from '../../reporting/fan-out.ts';
import { formatSummary } from '../../reporting/format-summary.ts';
import type { Reporter } from '../../reporting/reporter.ts';
import { styles } from '../../reporting/styles.ts';
import { summarize } from '../../reporting/summary.ts';
import type { TaskStore } from '../../store/store.ts';
import { isRunnable, type TaskId } from '../../task.ts';
import { createProcessTable, type ProcessTable } from '../../worker/process-table.ts';
import { EXIT, type Cli } from '../cli.ts';
import {
  createWorker,
  createWorkspaces,
  describeBilling,
  findWorkerPayer,
  workingDirectory,
} from '../compose.ts';
import { twoStageInterrupt } from '../interrupt.ts';
import { dollars, wholeNumber } from '../numbers.ts';
import { onRun, printJson, useColor, type CommonOptions } from '../options.ts';
import { formatPlan } from '../plan/plan-text.ts';
import { previewPlan } from '../plan/preview.ts';
import { improvePlan, lacksEstimates } from '../planning.ts';
import { findProject, openProjectStore, type Project } from '../project.ts';
import { loadSettings } from '../settings.ts';
import { parseIds, selectTasks } from '../tasks/ids.ts';
import { stdoutWidth, withExamples } from '../tasks/session.ts';
import { loadGraphBoard } from '../tasks/view.ts';

interface RunCommandOptions extends CommonOptions {
  readonly workers?: number;
  readonly id?: readonly string[];
  /** False for `--no-progress`, and so on. */
  readonly progress?: boolean;
  readonly plan?: boolean;
  /** Accepted already: there is no review yet, and no run waits for a usage limit yet. */
  readonly review?: boolean;
  readonly wait?: boolean;
  readonly dryRun?: boolean;
  readonly maxCost?: number;
}

/** How often changes by other processes are looked for. */
const POLL_MS = 500;

const OUTCOME_EXIT: Readonly<Record<RunOutcome, number>> = {
  completed: EXIT.done,
  'completed-with-failures': EXIT.tasksFailed,
  'paused-usage-limit': EXIT.usageLimit,
  'over-budget': EXIT.overBudget,
  unauthenticated: EXIT.notAuthenticated,
  interrupted: EXIT.interrupted,
};

/** `run`: the main job. */
export function runCommand(cli: Cli): Command {
  const command = new Command('run')
    .description(
      'Do the open tasks in dependency order, several at once, each by a Claude CLI process of its own.',
    )
    .argument('[ids...]', 'only these tasks, such as 3 or 1,4-6 (default: all open ones)')
    .option('-w, --workers <n>', 'how many at once (default: execution.max_workers)', (text) =>
      wholeNumber('--workers', text, 1, 64),
    )
    .option('--id <ids>', 'the same as naming them', (text, before?: string[]) => [...(before ?? []), text])
    .option('--max-cost <usd>', 'spend at most so much (default: budget.max_cost_usd)', (text) =>
      dollars('--max-cost', text),
    )
    .option('--dry-run', 'show what would run when, and start nothing')
    .option('--no-plan', 'take the tasks as they are stored: ask the manager for nothing')
    .addOption(new Option('--no-review').hideHelp())
    .addOption(new Option('--no-wait').hideHelp())
    .option('--no-progress', 'print lines instead of a live display');
  withExamples(command, ['run', 'run 1-4 --workers 2', 'run --max-cost 5 --json > events.ndjson']);
  return onRun<RunCommandOptions>(command, cli, async (options, args) => {
    if (cli.platform === 'win32')
      fail(
        'wrong-usage',
        'Runs do not work on Windows yet: what workers start could not be ended there.',
        'Run it in WSL (https://learn.microsoft.com/windows/wsl).',
      );
    const project = findProject(cli, options);
    const settings = loadSettings(cli, options, project, {
      'execution.max_workers': options.workers,
      'budget.max_cost_usd': options.maxCost,
      'monitoring.enable_opus_review': options.review,
    });
    const store = await openProjectStore(project);
    try {
      const ids = [...args, ...(options.id ?? [])];
      const only = ids.length === 0 ? undefined : selectTasks(store, parseIds(ids));
      if (options.dryRun === true) {
        showPlan(cli, options, settings, store);
        return EXIT.done;
      }
      if (nothingToDo(store, only)) return sayNothingToDo(cli, options, store, only);
      return await run(cli, options, project, settings, store, only);
    } finally {
      store.close();
    }
  });
}

async function run(
  cli: Cli,
  options: RunCommandOptions,
  project: Project,
  settings: LoadedConfig,
  store: TaskStore,
  only: readonly TaskId[] | undefined,
): Promise<number> {
  const { stop, hurry, exitCode, release } = twoStageInterrupt(cli);
  try {
    const payer = await findWorkerPayer(project, settings, stop);
    const processes = createProcessTable(cli);
    const workspaces = createWorkspaces(project, settings);
    const presentation = present(cli, options, settings);
    if (presentation.level !== 'quiet' && presentation.kind !== 'ndjson')
      cli.stderr.write(`note: ${workspaces.description}\n`);
    const reporter = fanOut([await createReporter(presentation, { stream: cli.stdout, now: Date.now })]);
    const runId = newRunId();
    const runOptions = optionsFor(cli, project, settings, processes, runId, describeBilling(payer, settings));
    const worker = createWorker(project, settings, payer, workspaces, processes, hurry);
    const parts: Orchestration = {
      store,
      worker,
      reporter,
      plan: (_tasks, signal) => plan(options, cli, project, settings, store, reporter, runId, signal),
      estimate: learnEstimates(store.finishedWork()),
      isAlive: (process) => processes.isAlive(process),
      newSessionId: randomUUID,
      now: Date.now,
      random: Math.random,
    };
    try {
      const { outcome } = await orchestrate(
        parts,
        only === undefined ? runOptions : { ...runOptions, only },
        stop,
      );
      return exitCode() ?? OUTCOME_EXIT[outcome];
    } finally {
      await reporter.close();
      printSummary(cli, store, runId, presentation);
    }
  } finally {
    release();
  }
}

/** Improves the stored plan, unless `--no-plan` forbids it; whatever goes wrong is a warning. */
async function plan(
  options: RunCommandOptions,
  cli: Cli,
  project: Project,
  settings: LoadedConfig,
  store: TaskStore,
  reporter: Reporter,
  runId: string,
  signal: AbortSignal,
): Promise<'manager' | 'cache' | 'stored'> {
  if (options.plan === false || !lacksEstimates(store.tasks())) return 'stored';
  const record = (event: Parameters<TaskStore['record']>[0]): Stamped => {
    const stamped = store.record(event);
    reporter.report(stamped);
    return stamped;
  };
  const open = async () => {
    const { createManager } = await import('../manager.ts');
    const manager = await createManager(cli, project, settings, signal);
    if (!manager.ok) throw new Failed(manager.error);
    return booked(manager.value, record, runId);
  };
  try {
    const warn = (message: string): void => void record({ type: 'warning', message });
    return await improvePlan(store, settings.config.models.manager.model, open, signal, warn);
  } catch (error) {
    // What cannot be stored ends the run at its next step; an interrupt ends it anyway.
    if (error instanceof Failed) return 'stored';
    throw error;
  }
}

function optionsFor(
  cli: Cli,
  project: Project,
  settings: LoadedConfig,
  processes: ProcessTable,
  runId: string,
  billing: string,
): RunOptions {
  const { execution, budget, models } = settings.config;
  return {
    runId,
    process: processes.identify(cli.pid) ?? { pid: cli.pid, startTime: 'unknown' },
    workers: execution.max_workers,
    failureMode: execution.failure_mode,
    maxRetries: execution.max_retries,
    retryBaseDelayMs: execution.retry_base_delay * 1000,
    retryMaxDelayMs: execution.retry_max_delay * 1000,
    maxCostUsd: budget.max_cost_usd,
    maxCostPerTaskUsd: budget.max_cost_per_task_usd,
    billing,
    workerModel: models.worker.model,
    directory: workingDirectory(project, settings),
    filesRoot: join(project.stateFolder, 'attempts'),
    pollMs: POLL_MS,
  };
}

function present(cli: Cli, options: RunCommandOptions, settings: LoadedConfig): Presentation {
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

function printSummary(cli: Cli, store: TaskStore, runId: string, { kind, color }: Presentation): void {
  const run = store.run(runId);
  if (run === undefined) return;
  const summary = summarize({
    run,
    attempts: store.attempts({ runId }),
    tasks: store.tasks(),
    usage: store.usage({ runId }),
    now: Date.now(),
  });
  if (kind === 'ndjson') cli.stdout.write(`${JSON.stringify({ type: 'summary', ...summary })}\n`);
  else cli.stdout.write(`\n${formatSummary(summary, { columns: stdoutWidth(cli), color })}`);
}

/** Whether no task could be run: what a killed run left in progress can be, once it is recovered. */
function nothingToDo(store: TaskStore, only: readonly TaskId[] | undefined): boolean {
  if (store.attempts({ running: true }).length > 0) return false;
  const { links: graph } = loadGraphBoard(store);
  const wanted = only === undefined ? graph.leaves() : only.flatMap((id) => graph.workOf(id));
  return !wanted.some((id) => isRunnable(graph.nodes.get(id)?.status ?? 'done'));
}

function sayNothingToDo(
  cli: Cli,
  options: RunCommandOptions,
  store: TaskStore,
  only: readonly TaskId[] | undefined,
): number {
  const { length } = store.tasks();
  const message =
    length === 0
      ? 'There is no task yet: `claude-orchestrator add "…"` or `claude-orchestrator parse prd.md` makes some.'
      : `Nothing to do: no task${only === undefined ? '' : ' that was asked for'} is pending or failed (\`claude-orchestrator list\` shows them).`;
  if (options.json === true) cli.stdout.write(`${JSON.stringify({ type: 'nothing-to-do', message })}\n`);
  else cli.stdout.write(`${message}\n`);
  return EXIT.done;
}

function showPlan(cli: Cli, options: RunCommandOptions, settings: LoadedConfig, store: TaskStore): void {
  const { links: graph, estimate } = loadGraphBoard(store);
  const workers = settings.config.execution.max_workers;
  const preview = previewPlan(graph, { estimate, maxWorkers: workers, costPerMinute: null });
  if (options.json === true) printJson(cli, preview);
  else
    cli.stdout.write(
      formatPlan(preview, { columns: stdoutWidth(cli), style: styles(useColor(cli, options)), workers }),
    );
}

/** Sortable by time, and short enough to be read aloud: `20261122-114500-3f9a`. */
function newRunId(): string {
  const time = new Date().toISOString().replace(/[-:]/g, '').replace('T', '-').slice(0, 15);
  return `${time}-${randomUUID().slice(0, 4)}`;
}
