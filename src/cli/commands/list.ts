import type { Command } from 'commander';
import type { ListReport, ListRequest } from '../../app/contract/list.ts';
import type { ListedTaskInContext } from '../../app/contract/task.ts';
import { list } from '../../app/list.ts';
import { LIST_STATUSES } from '../../app/tasks/statuses.ts';
import { isEstimated, shownStatus } from '../../app/tasks/view.ts';
import { isSettled, parentOf, type TaskId } from '../../domain/task.ts';
import { neutralise } from '../../domain/text/display-text.ts';
import type { Cli } from '../cli.ts';
import { renderTable, type Column } from '../table.ts';
import { describeCounts, formatMinutes, inList, stylesOfStatuses } from '../task-text.ts';
import { ToolCommand, type Layout } from '../tool-command.ts';

/** `list`: a table of the tasks; a filter looks at subtasks too. */
export function makeCommand(cli: Cli): Command {
  return new ToolCommand('list')
    .description('List tasks. With --status or --ready, subtasks that match are listed too.')
    .argument('[statuses]', 'the same as --status')
    .words(
      '-s, --status <statuses>',
      'only tasks with one of these statuses, separated by commas',
      LIST_STATUSES,
    )
    .option('--with-subtasks', 'subtasks too')
    .option('--ready', 'only what could start now')
    .examples('list', 'list --status pending,failed --with-subtasks', 'list --ready --json')
    .onRun<ListRequest & { status?: string }>(cli, async ({ project, options, args, print }) => {
      const { status, ready, withSubtasks, json } = options;
      const statuses = [...(status === undefined ? [] : [status]), ...args];
      const report = await list(project, {
        ...(statuses.length > 0 && { statuses }),
        ready,
        withSubtasks,
        // The table shows no texts.
        texts: json,
      });
      print(report, describe);
    });
}

function describe({ tasks, counts, lost }: ListReport, layout: Layout): string[] {
  const { quiet, tag } = layout.options;
  const lines = tasks.length > 0 ? renderTasks(tasks, layout) : [];
  if (quiet === true) return lines;
  if (lines.length > 0) lines.push('');
  if (tasks.some(({ waitingFor }) => waitingFor.length > 0)) lines.push('* not done yet');
  if (tasks.length > 0) lines.push(describeCounts(counts));
  else if (counts.total > 0) lines.push(`No task matches. There are ${describeCounts(counts)}.`);
  else
    lines.push(
      `There are no tasks yet${inList(tag)}.`,
      'Turn a requirements document into tasks with `claude-orchestrator parse prd.md`, or add one with `claude-orchestrator add "what is to be done"`.',
    );
  if (lost !== undefined) lines.push(`${lost.message} ${lost.fix}`);
  return lines;
}

/** A table of tasks, in lines. A `*` marks dependencies that are not settled. */
function renderTasks(tasks: readonly ListedTaskInContext[], { style, width }: Layout): string[] {
  const statusStyles = stylesOfStatuses(style);
  const columns: Column<ListedTaskInContext>[] = [
    { header: 'ID', text: ({ id }) => id },
    {
      header: 'STATUS',
      text: ({ status, waitingFor }) => shownStatus(status, waitingFor),
      style: (shown, { status, waitingFor }) => statusStyles[shownStatus(status, waitingFor)](shown),
    },
    {
      header: 'PRIORITY',
      text: ({ priority }) => priority,
      style: (shown, { priority }) => (priority === 'critical' ? style.red(shown) : shown),
      keep: 2,
    },
    {
      header: 'TIME',
      text: (task) => (isEstimated(task) ? formatMinutes(task.expectedMinutes) : ''),
      align: 'right',
      keep: 1,
    },
    {
      header: 'DEPENDS ON',
      text: describeDependencies,
      max: Math.max(10, Math.floor(width / 5)),
      keep: 3,
    },
    {
      header: 'TITLE',
      text: describeTitle,
      style: (shown, { status }) => (isSettled(status) ? style.dim(shown) : shown),
    },
  ];
  return renderTable(tasks, columns, width, style.bold);
}

function describeDependencies({ dependencies, waitingFor }: ListedTaskInContext): string {
  if (waitingFor.length === 0) return dependencies.join(', ');
  // A task that depends on a group waits for the subtasks of the group.
  const isOpen = (id: TaskId): boolean => waitingFor.some((open) => open === id || parentOf(open) === id);
  return dependencies.map((id) => (isOpen(id) ? `${id}*` : id)).join(', ');
}

function describeTitle({ id, title, subtasks, settledSubtasks }: ListedTaskInContext): string {
  const shown = neutralise(title);
  if (subtasks.length > 0) return `[${settledSubtasks}/${subtasks.length}] ${shown}`;
  return parentOf(id) === undefined ? shown : `  ${shown}`;
}
