import type { Command } from 'commander';
import type { DeleteRequest } from '../../app/contract/delete.ts';
import { deleteTasks } from '../../app/delete.ts';
import { neutralise } from '../../domain/text/display-text.ts';
import { plural } from '../../domain/text/format.ts';
import type { Cli } from '../cli.ts';
import { ToolCommand } from '../tool-command.ts';

/** `delete`: all of the tasks or none. */
export function makeCommand(cli: Cli): Command {
  return new ToolCommand('delete')
    .description(
      'Delete tasks with their subtasks. A task that others need or a worker works on needs --force.',
    )
    .argument('<ids...>', 'tasks (3, 3.2, 1,2, 1-4)')
    .option('-f, --force', 'drop the dependencies of other tasks on them')
    .examples('delete 7', 'delete 4,7-9 --force')
    .onRun<Omit<DeleteRequest, 'ids'>>(cli, async ({ project, options, args, printChange }) => {
      printChange(await deleteTasks(project, { ...options, ids: args }), ({ tasks }) => [
        `Deleted ${plural(tasks.length, 'task')}:`,
        ...tasks.map(({ id, title }) => `  ${id}  ${neutralise(title)}`),
      ]);
    });
}
