import { InvalidArgumentError } from 'commander';
import type { RunReport, RunRequest } from '../app/contract/run.ts';
import { displayOn } from '../app/display.ts';
import type { RunView } from '../app/run/job.ts';
import { EXIT, type Cli } from './cli.ts';
import type { CommonOptions } from './command.ts';
import { stdoutWidth, useColor } from './print.ts';
import { formatSummary } from './summary-text.ts';
import { ToolCommand } from './tool-command.ts';

/** The options of every command that does tasks; `plan` is false for `--no-plan`, and so on. */
export interface RunOptions extends Omit<RunRequest, 'ids' | 'maxCostUsd' | 'verbose'> {
  readonly maxCost?: number;
  readonly progress?: boolean;
}

/** A command that does tasks. */
export class RunCommand extends ToolCommand {
  /** Adds the options of every command that does tasks. */
  runOptions(): this {
    return this.wholeNumber('-w, --workers <n>', 'how many at once (default: execution.max_workers)', 1, 64)
      .option('--max-cost <usd>', 'spend at most so much (default: budget.max_cost_usd)', dollars)
      .option('--no-plan', 'take the tasks as they are stored: ask the manager for nothing')
      .option('--no-review', 'land what passes the verify commands, without asking the manager')
      .option('--no-wait', 'at a usage limit, end with exit code 3 instead of waiting for its reset')
      .option('--report <file>', 'write an HTML report of the run that can be sent to others')
      .option('--no-progress', 'print lines instead of a live display');
  }
}

/** Reads the amount of US dollars of an option, which must be positive. */
function dollars(text: string): number {
  const value = /^\$?\d{1,9}(\.\d{1,6})?$/.test(text.trim()) ? Number(text.trim().replace('$', '')) : NaN;
  if (value > 0) return value;
  throw new InvalidArgumentError('--max-cost takes an amount of US dollars above 0, such as 5 or 0.50.');
}

/** What those options ask for. */
export function requestOf(options: RunOptions & CommonOptions): RunRequest {
  const { workers, maxCost, plan, review, wait, report, verbose } = options;
  return { workers, maxCostUsd: maxCost, plan, review, wait, report, verbose };
}

/** Shows a run on stdout as it goes, and its summary at the end. */
export function showRun(cli: Cli, options: RunOptions & CommonOptions): RunView {
  const json = options.json === true;
  const flags = {
    json,
    noProgress: options.progress === false,
    quiet: options.quiet === true,
    verbose: options.verbose === true,
    noColor: options.color === false,
    env: cli.env,
  };
  return displayOn({ ...flags, stream: cli.stdout }, (summary) => {
    const { outcome, done, failed, running, usage } = summary;
    // What could not even begin has nothing to sum up; the error that ended it says why, and what to do.
    const isBare = [done, failed, running, usage].every(({ length }) => length === 0);
    if (json) cli.stdout.write(`${JSON.stringify({ type: 'summary', ...summary })}\n`);
    else if (!isBare || outcome !== 'interrupted')
      cli.stdout.write(
        `\n${formatSummary(summary, { columns: stdoutWidth(cli), color: useColor(cli, options) })}`,
      );
  });
}

type RunOutcome = NonNullable<Extract<RunReport, { type: 'summary' }>['outcome']>;

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

/** What the process exits with after a run. */
export function exitCodeOf(cli: Cli, report: RunReport): number {
  if (report.type === 'nothing-to-do') return EXIT.done;
  const { outcome, delivery } = report;
  if (cli.interruptExit !== undefined) return cli.interruptExit;
  if (outcome === 'completed' && delivery?.kind === 'left') return EXIT.notDelivered;
  return outcome === null ? EXIT.done : OUTCOME_EXIT[outcome];
}
