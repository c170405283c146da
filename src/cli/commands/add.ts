import { type Command, Option } from 'commander';
import { add } from '../../app/add.ts';
import type { AddRequest } from '../../app/contract/add.ts';
import { PRIORITIES } from '../../domain/task.ts';
import type { Cli } from '../cli.ts';
import { describeCallCost, describeNewTasks, REPLY_OPTION } from '../new-tasks-text.ts';
import { ToolCommand, type Call } from '../tool-command.ts';

/** `add`: one task, written by the manager, or as typed with `--raw`. */
export function makeCommand(cli: Cli): Command {
  return new ToolCommand('add')
    .description(
      'Add one task: the manager writes it and finds what it depends on; --raw stores it as typed.',
    )
    .argument('[text...]', 'what is to be done, "-" for stdin')
    .option('--raw', 'store it as typed, without a model')
    .addOption(new Option('-p, --priority <priority>', 'its priority').choices(PRIORITIES))
    .option('--depends-on <ids>', 'tasks that must be done first, such as 1,3.2')
    .option(...REPLY_OPTION)
    .option('--dry-run', 'show the task, but store nothing')
    .examples(
      'add "Log every request with its duration"',
      'add --raw --priority high --depends-on 2,3 "Write the release notes"',
    )
    .onRun<Omit<AddRequest, 'text'>>(cli, (call) =>
      addTask(cli, call, { ...call.options, text: call.args.join(' ') }),
    );
}

/** Adds the task, and tells what was stored. */
export async function addTask(cli: Cli, { project, print }: Call, request: AddRequest): Promise<undefined> {
  print(await add(project, request, cli), ({ stored, task, ...cost }, layout) => {
    const lines = describeNewTasks(stored, [task], layout);
    if (layout.options.quiet !== true) lines.push(...describeCallCost(cost));
    return layout.fold(lines);
  });
  return undefined;
}
