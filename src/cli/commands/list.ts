import { printJson, useColor, stdoutWidth } from '../print.ts';
import { Argument, Command, Option } from 'commander';
import { styles } from '../../domain/text/styles.ts';
import { parentOf, type ListedTask } from '../../domain/task.ts';
import type { TaskCounts } from '../../domain/task-outline.ts';
import type { Cli } from '../cli.ts';
import { onRun, type CommonOptions, withExamples } from '../command.ts';
import { findProject, withStore } from '../../app/project/project.ts';
import { countTasks, describeCounts, inList } from '../../app/tasks/counts.ts';
import { renderTaskTable } from '../task-text.ts';
import { LIST_STATUSES, parseListStatuses, type ListStatus } from '../../app/tasks/statuses.ts';
import {
  loadBoard,
  loadListBoard,
  shownStatus,
  inContext,
  viewTask,
  type ListBoard,
  type TaskView,
} from '../../app/tasks/view.ts';

interface ListOptions extends CommonOptions {
  readonly status?: string;
  readonly withSubtasks?: boolean;
  readonly ready?: boolean;
}

/** `list`: a table of the tasks; a filter looks at subtasks too. */
export function listCommand(cli: Cli): Command {
  const command = new Command('list')
    .description('List tasks. With --status or --ready, subtasks that match are listed too.')
    .addArgument(new Argument('[statuses]', `the same as --status`))
    .addOption(
      new Option('-s, --status <statuses>', 'only tasks with one of these statuses, separated by commas')
        .choices(LIST_STATUSES)
        // The choices are for the help and for completion; what is given is a list of them.
        .argParser(String),
    )
    .option('--with-subtasks', 'subtasks too')
    .option('--ready', 'only what could start now');
  withExamples(command, ['list', 'list --status pending,failed --with-subtasks', 'list --ready --json']);
  return onRun<ListOptions>(command, cli, async (options, [given]) => {
    const filters = [options.status, given].filter((text) => text !== undefined);
    const statuses = filters.length > 0 ? parseListStatuses(filters) : undefined;
    const matches = filterFor(options, statuses);
    if (options.json === true) {
      const whole = await withStore(findProject(cli, options), loadBoard);
      const { views, counts } = select(whole, whole.tasks, matches);
      const lost = await lostList(cli, options, counts);
      printJson(cli, { tasks: views.map((view) => inContext(whole, view)), counts, ...(lost && { lost }) });
      return undefined;
    }
    const board = await withStore(findProject(cli, options), loadListBoard);
    const { views, counts } = select(board, board.tasks, matches);
    const lost = await lostList(cli, options, counts);
    const lines: string[] = [];
    if (views.length > 0)
      lines.push(...renderTaskTable(views, board, stdoutWidth(cli), styles(useColor(cli, options))));
    if (options.quiet !== true) {
      if (lines.length > 0) lines.push('');
      if (views.some((view) => view.waitingFor.length > 0)) lines.push('* not done yet');
      lines.push(
        ...(views.length > 0
          ? [describeCounts(counts)]
          : describeNothing(counts.total, describeCounts(counts), options.tag)),
        ...(lost === undefined ? [] : [`${lost.message} ${lost.fix}`]),
      );
    }
    if (lines.length > 0) cli.stdout.write(`${lines.join('\n')}\n`);
    return undefined;
  });
}

function filterFor(
  options: ListOptions,
  statuses: ReadonlySet<ListStatus> | undefined,
): (view: TaskView<ListedTask>) => boolean {
  const filtered = statuses !== undefined || options.ready === true;
  const subtasks = filtered || options.withSubtasks === true;
  return (view) =>
    (subtasks || parentOf(view.task.id) === undefined) &&
    (options.ready !== true || view.ready) &&
    (statuses === undefined ||
      statuses.has(view.task.status) ||
      statuses.has(shownStatus(view.task.status, view.waitingFor)));
}

/** The tasks that match, and how many there are in all. */
function select<T extends ListedTask>(
  board: ListBoard,
  tasks: readonly T[],
  matches: (view: TaskView<ListedTask>) => boolean,
): { views: TaskView<T>[]; counts: TaskCounts } {
  const all = tasks.map((task) => viewTask(board, task));
  return { views: all.filter(matches), counts: countTasks(all) };
}

/** An empty list may be one that `init` made in the place of a list that was deleted. */
async function lostList(
  cli: Cli,
  options: CommonOptions,
  { total }: TaskCounts,
): Promise<{ message: string; fix: string } | undefined> {
  if (total > 0) return undefined;
  const { copyNotice } = await import('../../app/project/lost-store.ts');
  return copyNotice(findProject(cli, options));
}

function describeNothing(total: number, counts: string, tag: string | undefined): string[] {
  if (total > 0) return [`No task matches. There are ${counts}.`];
  return [
    `There are no tasks yet${inList(tag)}.`,
    'Turn a requirements document into tasks with `claude-orchestrator parse prd.md`, or add one with `claude-orchestrator add "what is to be done"`.',
  ];
}
