import { Command } from 'commander';
import { fail } from '../../failure.ts';
import { EXIT, type Cli } from '../cli.ts';
import { dollars, wholeNumber } from '../numbers.ts';
import { onRun } from '../options.ts';
import { findProject, openProjectStore } from '../project.ts';
import { executeRun } from '../run/execute-run.ts';
import type { RunCommandOptions } from '../run/run-context.ts';
import { nothingToDo, sayNothingToDo, showPlan } from '../run/without-run.ts';
import { loadSettings } from '../settings.ts';
import { parseIds, selectTasks } from '../tasks/ids.ts';
import { withExamples } from '../tasks/session.ts';

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
    .option('--no-review', 'land what passes the verify commands, without asking the manager')
    .option('--no-wait', 'at a usage limit, end with exit code 3 instead of waiting for its reset')
    .option('--report <file>', 'write an HTML report of the run that can be sent to others')
    .option('--no-progress', 'print lines instead of a live display');
  withExamples(command, ['run', 'run 1-4 --workers 2', 'run --max-cost 5 --report night.html']);
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
      // Commander takes what is not said for a yes, which must not beat the file.
      'monitoring.enable_opus_review': options.review === false ? false : undefined,
    });
    const store = await openProjectStore(project);
    try {
      const context = { cli, options, project, settings, store };
      const ids = [...args, ...(options.id ?? [])];
      const only = ids.length === 0 ? undefined : selectTasks(store, parseIds(ids));
      if (options.dryRun === true) {
        showPlan(context);
        return EXIT.done;
      }
      if (await nothingToDo(context, only)) return await sayNothingToDo(context, only);
      return await executeRun(context, only);
    } finally {
      store.close();
    }
  });
}
