import type { Command } from 'commander';
import { fail } from '../../domain/failure.ts';
import type { Cli } from '../cli.ts';
import { dollars, wholeNumber } from '../values.ts';
import type { RunCommandOptions } from '../../app/run/job.ts';

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

/** What those options set of the configuration, by dotted path. */
export function runFlags({ workers, maxCost, review }: RunCommandOptions): Record<string, unknown> {
  return {
    'execution.max_workers': workers,
    'budget.max_cost_usd': maxCost,
    // Commander takes what is not said for a yes, which must not beat the file.
    'monitoring.enable_opus_review': review === false ? false : undefined,
  };
}

/** Throws `Failed` where workers could be started but not ended. */
export function refuseWindows({ platform }: Pick<Cli, 'platform'>): void {
  if (platform === 'win32')
    fail(
      'wrong-usage',
      'Runs do not work on Windows yet: what workers start could not be ended there.',
      'Run it in WSL (https://learn.microsoft.com/windows/wsl).',
    );
}
