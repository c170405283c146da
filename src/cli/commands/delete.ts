import { Argument, Command } from 'commander';
import { deleteTasks } from '../../app/delete.ts';
import { findProject } from '../../app/project/project.ts';
import { neutralise } from '../../domain/text/display-text.ts';
import { plural } from '../../domain/text/format.ts';
import type { Cli } from '../cli.ts';
import { onRun, type CommonOptions, withExamples } from '../command.ts';
import { printChange } from '../print.ts';

interface DeleteOptions extends CommonOptions {
  readonly force?: boolean;
}

/** `delete`: all of the tasks or none. */
export function makeCommand(cli: Cli): Command {
  const command = new Command('delete')
    .description(
      'Delete tasks with their subtasks. A task that others need or a worker works on needs --force.',
    )
    .addArgument(new Argument('<ids...>', 'tasks (3, 3.2, 1,2, 1-4)'))
    .option('-f, --force', 'drop the dependencies of other tasks on them');
  withExamples(command, ['delete 7', 'delete 4,7-9 --force']);
  return onRun<DeleteOptions>(command, cli, async (options, ids) => {
    const report = await deleteTasks(findProject(cli, options), { ids, force: options.force });
    printChange(cli, options, report, ({ tasks }) => [
      `Deleted ${plural(tasks.length, 'task')}:`,
      ...tasks.map(({ id, title }) => `  ${id}  ${neutralise(title)}`),
    ]);
  });
}
