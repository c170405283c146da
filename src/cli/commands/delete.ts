import { printJson } from '../print.ts';
import { findProject, withStore } from '../../app/project/project.ts';
import { Argument, Command } from 'commander';
import type { Cli } from '../cli.ts';
import { onRun, type CommonOptions, withExamples } from '../command.ts';
import { fail } from '../../domain/failure.ts';
import { neutralise } from '../../domain/text/display-text.ts';
import { plural } from '../../domain/text/format.ts';
import { parentOf, type TaskId } from '../../domain/task.ts';
import type { TaskStore } from '../../store/store.ts';
import { parseIds, selectTasks } from '../../app/tasks/ids.ts';

interface DeleteOptions extends CommonOptions {
  readonly id?: string;
  readonly force?: boolean;
}

/** `delete`: all of the tasks or none; their attempts and what those cost stay in the books. */
export function deleteCommand(cli: Cli): Command {
  const command = new Command('delete')
    .description(
      'Delete tasks with their subtasks. What others need, or what a worker works on, needs --force.',
    )
    .addArgument(new Argument('<ids...>', 'tasks (3, 3.2, 1,2, 1-4)'))
    .option('-f, --force', 'drop the dependencies of other tasks on them');
  withExamples(command, ['delete 7', 'delete 4,7-9 --force']);
  return onRun<DeleteOptions>(command, cli, async (options, args) => {
    const ranges = parseIds(args);
    const force = options.force === true;
    const { deleted, titles } = await withStore(findProject(cli, options), (store) => {
      const ids = selectTasks(store, ranges);
      if (!force) refuseRunning(store, ids);
      const before = new Map(store.tasks().map((task) => [task.id, task.title]));
      return { deleted: store.deleteTasks(ids, { force }), titles: before };
    });
    if (options.json === true) printJson(cli, { deleted });
    else if (options.quiet !== true) {
      const lines = deleted.map((id) => `  ${id}  ${neutralise(titles.get(id) ?? '')}`);
      cli.stdout.write(`Deleted ${plural(deleted.length, 'task')}:\n${lines.join('\n')}\n`);
    }
    return undefined;
  });
}

function refuseRunning(store: TaskStore, ids: readonly TaskId[]): void {
  const named = new Set(ids);
  const running = store
    .attempts({ running: true })
    .map((attempt) => attempt.taskId)
    .filter((id) => named.has(id) || named.has(parentOf(id) ?? id));
  if (running.length > 0)
    fail(
      'task-needed',
      `A worker is at work on ${[...new Set(running)].join(', ')}.`,
      'Stop the run first, or delete it all the same with --force.',
    );
}
