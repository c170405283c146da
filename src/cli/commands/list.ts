import { Argument, Command, Option } from 'commander';
import { styles } from '../../reporting/styles.ts';
import { parentOf } from '../../task.ts';
import type { Cli } from '../cli.ts';
import { onRun, printJson, useColor, type CommonOptions } from '../options.ts';
import { findProject, type Project } from '../project.ts';
import { countTasks, describeCounts, inList } from '../tasks/counts.ts';
import { renderTaskTable } from '../tasks/list-table.ts';
import { stdoutWidth, withExamples, withStore } from '../tasks/session.ts';
import { LIST_STATUSES, parseListStatuses, type ListStatus } from '../tasks/statuses.ts';
import { loadBoard, shownStatus, toJson, viewTask, type TaskView } from '../tasks/view.ts';

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
    const board = await withStore(cli, options, loadBoard);
    const all = board.tasks.map((task) => viewTask(board, task));
    const counts = countTasks(all);
    const views = all.filter(filterFor(options, statuses));
    const lost = counts.total === 0 ? await lostList(findProject(cli, options)) : undefined;
    if (options.json === true) {
      printJson(cli, { tasks: views.map((view) => toJson(board, view)), counts, ...(lost && { lost }) });
      return undefined;
    }
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
): (view: TaskView) => boolean {
  const filtered = statuses !== undefined || options.ready === true;
  const subtasks = filtered || options.withSubtasks === true;
  return (view) =>
    (subtasks || parentOf(view.task.id) === undefined) &&
    (options.ready !== true || view.ready) &&
    (statuses === undefined ||
      statuses.has(view.task.status) ||
      statuses.has(shownStatus(view.task.status, view.waitingFor)));
}

/** An empty list may be one that `init` made in the place of a list that was deleted. */
async function lostList(project: Project): Promise<{ message: string; fix: string } | undefined> {
  const { copyNotice } = await import('../lost-store.ts');
  return copyNotice(project);
}

function describeNothing(total: number, counts: string, tag: string | undefined): string[] {
  if (total > 0) return [`No task matches. There are ${counts}.`];
  return [
    `There are no tasks yet${inList(tag)}.`,
    'Turn a requirements document into tasks with `claude-orchestrator parse prd.md`, or add one with `claude-orchestrator add "what is to be done"`.',
  ];
}
