import type { Command } from 'commander';
import type { RunRequest } from '../../app/contract/run.ts';
import type { CommonOptions } from '../command.ts';
import { dollars, wholeNumber } from '../values.ts';

/** The options of every command that does tasks. */
export interface RunCommandOptions extends CommonOptions {
  readonly workers?: number;
  readonly maxCost?: number;
  /** False for `--no-plan`, and so on. */
  readonly plan?: boolean;
  readonly review?: boolean;
  readonly wait?: boolean;
  readonly progress?: boolean;
  readonly report?: string;
}

/** Adds the options of every command that does tasks. */
export function addRunOptions(command: Command): Command {
  return command
    .option('-w, --workers <n>', 'how many at once (default: execution.max_workers)', (text) =>
      wholeNumber('--workers', text, 1, 64),
    )
    .option('--max-cost <usd>', 'spend at most so much (default: budget.max_cost_usd)', (text) =>
      dollars('--max-cost', text),
    )
    .option('--no-plan', 'take the tasks as they are stored: ask the manager for nothing')
    .option('--no-review', 'land what passes the verify commands, without asking the manager')
    .option('--no-wait', 'at a usage limit, end with exit code 3 instead of waiting for its reset')
    .option('--report <file>', 'write an HTML report of the run that can be sent to others')
    .option('--no-progress', 'print lines instead of a live display');
}

/** What those options ask for. */
export function requestOf(options: RunCommandOptions): RunRequest {
  const { workers, maxCost, plan, review, wait, report, verbose } = options;
  return { workers, maxCostUsd: maxCost, plan, review, wait, report, verbose };
}
