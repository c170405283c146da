import { printJson } from '../print.ts';
import { findProject, withStore } from '../../app/project/project.ts';
import { Argument, Command, Option } from 'commander';
import { fail } from '../../domain/failure.ts';
import { neutralise } from '../../domain/text/display-text.ts';
import { TASK_STATUSES, type TaskStatus } from '../../domain/task.ts';
import type { Cli } from '../cli.ts';
import { onRun, type CommonOptions, withExamples } from '../command.ts';
import { parseIds, selectTasks } from '../../app/tasks/ids.ts';
import { parseStatus } from '../../app/tasks/statuses.ts';

interface SetStatusOptions extends CommonOptions {
  readonly id?: string;
  readonly status?: string;
}

/** `set-status`: `set-status 1,2 done` and `set-status --id=1,2 --status=done` are the same; all tasks or none. */
export function setStatusCommand(cli: Cli): Command {
  const command = new Command('set-status')
    .description(`Set the status of tasks, of all or of none: ${TASK_STATUSES.join(', ')}.`)
    .addArgument(
      new Argument('[ids-and-status...]', 'tasks (3, 3.2, 1,2, 1-4), then the status')
        // For completion; misspelt words get a suggestion of ours.
        .choices(TASK_STATUSES)
        .argParser(String),
    )
    .option('-i, --id <ids>', 'tasks, in the spelling of Task Master')
    .addOption(
      new Option('-s, --status <status>', 'the status, in the spelling of Task Master')
        .choices(TASK_STATUSES)
        .argParser(String),
    );
  withExamples(command, [
    'set-status 3 done',
    'set-status 1,2,5-8 deferred',
    'set-status --id=1,2.1 --status=done',
  ]);
  return onRun<SetStatusOptions>(command, cli, async (options, args) => {
    const { ids, status: word } = splitArguments(options, args);
    const status = parseStatus(word);
    const ranges = parseIds(ids);
    const changed = await withStore(findProject(cli, options), (store) => {
      const selected = selectTasks(store, ranges);
      const before = new Map(selected.map((id) => [id, store.task(id)]));
      store.setStatus(selected, status, 'set by a person');
      return selected.map((id) => ({
        id,
        title: before.get(id)?.title ?? '',
        from: before.get(id)?.status ?? status,
        to: store.task(id)?.status ?? status,
      }));
    });
    if (options.json === true) printJson(cli, { changed });
    else if (options.quiet !== true)
      cli.stdout.write(
        changed
          .map(
            ({ id, title, from, to }) => `${id}  ${describeChange(from, to, status)}  ${neutralise(title)}\n`,
          )
          .join(''),
      );
    return undefined;
  });
}

function describeChange(from: TaskStatus, to: TaskStatus, asked: TaskStatus): string {
  if (to !== asked) return `stays ${to}, as its subtasks say`;
  return from === to ? `${to} already` : `${from} → ${to}`;
}

function splitArguments(
  { id, status }: SetStatusOptions,
  args: readonly string[],
): { ids: readonly string[]; status: string } {
  const rest = [...args];
  const word = status ?? rest.pop();
  const ids = id === undefined ? rest : [id, ...rest];
  if (word === undefined || ids.length === 0)
    fail(
      'wrong-usage',
      'Tasks and a status are needed, in this order.',
      'For example: `set-status 3 done`, or `set-status --id=3 --status=done`.',
    );
  return { ids, status: word };
}
