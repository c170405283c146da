import { Command } from 'commander';
import { findProject } from '../../app/project/project.ts';
import { previewRun, run } from '../../app/run.ts';
import type { Cli } from '../cli.ts';
import { onRun, withExamples } from '../command.ts';
import { describePlan } from '../plan-text.ts';
import { printReport } from '../print.ts';
import { addRunOptions, requestOf, type RunCommandOptions } from '../run/run-options.ts';
import { exitCodeOf, showRun } from '../run/show-run.ts';

interface Options extends RunCommandOptions {
  readonly id?: readonly string[];
  readonly dryRun?: boolean;
}

/** `run`: the main job. */
export function makeCommand(cli: Cli): Command {
  const command = new Command('run')
    .description(
      'Do the open tasks in dependency order, several at once, each by a Claude CLI process of its own.',
    )
    .argument('[ids...]', 'only these tasks, such as 3 or 1,4-6 (default: all open ones)')
    .option('--id <ids>', 'the same as naming them', (text, before?: string[]) => [...(before ?? []), text])
    .option('--dry-run', 'show what would run when, and start nothing');
  addRunOptions(command);
  withExamples(command, ['run', 'run 1-4 --workers 2', 'run --max-cost 5 --report night.html']);
  return onRun<Options>(command, cli, async (options, args) => {
    const ids = [...args, ...(options.id ?? [])];
    const request = { ...requestOf(options), ...(ids.length === 0 ? {} : { ids }) };
    const project = findProject(cli, options);
    if (options.dryRun === true) {
      printReport(cli, options, await previewRun(project, request, cli), describePlan);
      return undefined;
    }
    const report = await run(project, request, cli, showRun(cli, options));
    if (report.type === 'nothing-to-do')
      cli.stdout.write(`${options.json === true ? JSON.stringify(report) : report.message}\n`);
    return exitCodeOf(cli, report);
  });
}
