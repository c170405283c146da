import type { Command } from 'commander';
import { previewRun, run } from '../../app/run.ts';
import type { Cli } from '../cli.ts';
import { describePlan } from '../plan-text.ts';
import { exitCodeOf, requestOf, RunCommand, showRun, type RunOptions } from '../run-command.ts';

interface Options extends RunOptions {
  readonly id?: readonly string[];
  readonly dryRun?: boolean;
}

/** `run`: the main job. */
export function makeCommand(cli: Cli): Command {
  return new RunCommand('run')
    .description(
      'Do the open tasks in dependency order, several at once, each by a Claude CLI process of its own.',
    )
    .argument('[ids...]', 'only these tasks, such as 3 or 1,4-6 (default: all open ones)')
    .option('--id <ids>', 'the same as naming them', (text, before?: string[]) => [...(before ?? []), text])
    .option('--dry-run', 'show what would run when, and start nothing')
    .runOptions()
    .examples('run', 'run 1-4 --workers 2', 'run --max-cost 5 --report night.html')
    .onRun<Options>(cli, async ({ project, options, args, print }) => {
      const ids = [...args, ...(options.id ?? [])];
      const request = { ...requestOf(options), ...(ids.length === 0 ? {} : { ids }) };
      if (options.dryRun === true) {
        print(await previewRun(project, request, cli), describePlan);
        return undefined;
      }
      const report = await run(project, request, cli, showRun(cli, options));
      if (report.type === 'nothing-to-do')
        cli.stdout.write(`${options.json === true ? JSON.stringify(report) : report.message}\n`);
      return exitCodeOf(cli, report);
    });
}
