import { Argument, Command, Option } from 'commander';
import { add } from '../../app/add.ts';
import type { AddRequest } from '../../app/contract/add.ts';
import { findProject } from '../../app/project/project.ts';
import { PRIORITIES, type Priority } from '../../domain/task.ts';
import type { Cli } from '../cli.ts';
import { onRun, withExamples, type CommonOptions } from '../command.ts';
import { fold } from '../fold.ts';
import { describeCallCost, describeNewTasks, REPLY_OPTION } from '../new-tasks-text.ts';
import { printReport } from '../print.ts';

interface AddOptions extends CommonOptions {
  readonly raw?: boolean;
  readonly priority?: Priority;
  readonly dependsOn?: string;
  readonly dryRun?: boolean;
  readonly reply?: string;
}

/** `add`: one task, written by the manager, or as typed with `--raw`. */
export function makeCommand(cli: Cli): Command {
  const command = new Command('add')
    .description(
      'Add one task: the manager writes it and finds what it depends on; --raw stores it as typed.',
    )
    .addArgument(new Argument('[text...]', 'what is to be done, "-" for stdin'))
    .option('--raw', 'store it as typed, without a model')
    .addOption(new Option('-p, --priority <priority>', 'its priority').choices(PRIORITIES))
    .option('--depends-on <ids>', 'tasks that must be done first, such as 1,3.2')
    .option(...REPLY_OPTION)
    .option('--dry-run', 'show the task, but store nothing');
  withExamples(command, [
    'add "Log every request with its duration"',
    'add --raw --priority high --depends-on 2,3 "Write the release notes"',
  ]);
  return onRun<AddOptions>(command, cli, (options, words) =>
    addTask(cli, options, { ...options, text: words.join(' ') }),
  );
}

/** Adds the task, and tells what was stored. */
export async function addTask(cli: Cli, options: CommonOptions, request: AddRequest): Promise<undefined> {
  const report = await add(findProject(cli, options), request, cli);
  printReport(cli, options, report, ({ stored, task, ...cost }, layout) => {
    const lines = describeNewTasks(stored, [task], layout);
    if (options.quiet !== true) lines.push(...describeCallCost(cost));
    return fold(cli.stdout, lines);
  });
  return undefined;
}
