import type { Command } from 'commander';
import type { TaskReport } from '../../app/contract/show.ts';
import type { TaskLine } from '../../app/contract/task.ts';
import { show } from '../../app/show.ts';
import { isEstimated, shownStatus } from '../../app/tasks/view.ts';
import { neutralise, wrap } from '../../domain/text/display-text.ts';
import { eventSentence } from '../../domain/text/event-sentence.ts';
import type { Styles } from '../../domain/text/styles.ts';
import { describeAttempt } from '../attempt-text.ts';
import type { Cli } from '../cli.ts';
import { formatMinutes, stylesOfStatuses } from '../task-text.ts';
import { ToolCommand } from '../tool-command.ts';

/** How many of a task's newest events are shown without --verbose. */
const RECENT_EVENTS = 12;

/** `show`: everything about tasks, including their attempts and their history. */
export function makeCommand(cli: Cli): Command {
  return new ToolCommand('show')
    .description('Show everything about tasks: texts, dependencies, attempts with their cost, history.')
    .argument('[ids...]', 'tasks (3, 3.2, 1,2, 1-4)')
    .option('-i, --id <ids>', 'tasks, in the spelling of Task Master')
    .examples('show 3', 'show 3.1,3.2 --json')
    .onRun<{ id?: string }>(cli, async ({ project, options, args, print }) => {
      const ids = options.id === undefined ? args : [options.id, ...args];
      const report = await show(project, { ids }, cli);
      const events = options.verbose === true ? Infinity : RECENT_EVENTS;
      print(report, ({ tasks }, layout) => {
        const width = cli.stdout.isTTY === true ? layout.width : undefined;
        return tasks.flatMap((task, index) => [
          ...(index > 0 ? ['', ''] : []),
          ...describe(task, { ...layout, width, events }),
        ]);
      });
    });
}

interface ShowLayout {
  readonly style: Styles;
  /** Undefined if lines are not broken. */
  readonly width: number | undefined;
  /** How many of the newest events to show. */
  readonly events: number;
}

function describe(report: TaskReport, layout: ShowLayout): string[] {
  const { task, parent, attempts, stories, events } = report;
  const { style } = layout;
  const shown = events.slice(-layout.events);
  const hidden = events.length - shown.length;
  const section = (title: string, lines: readonly string[]): string[] =>
    lines.length === 0
      ? []
      : ['', style.bold(title), ...lines.map((line) => (line === '' ? '' : `  ${line}`))];
  const text = (content: string): string[] => brokenLines(content, layout.width);
  return [
    `${style.bold(task.id)}  ${style.bold(neutralise(task.title))}`,
    ...(parent === null ? [] : [`Part of ${parent.id}  ${neutralise(parent.title)}`]),
    '',
    ...facts(report, style),
    ...section('Description', text(task.description)),
    ...section('Details', text(task.details)),
    ...section('Test strategy', text(task.testStrategy)),
    ...section('Depends on', taskLines(report.dependencies, style)),
    ...section('Needed by', taskLines(report.dependents, style)),
    ...section('Subtasks', taskLines(report.subtasks, style)),
    ...section(
      'Attempts',
      attempts.flatMap((attempt, index) => {
        const story = stories[index];
        const [first = '', ...rest] = story === undefined ? [] : describeAttempt(attempt, story);
        return [first, ...rest.map((line) => `    ${line}`)];
      }),
    ),
    ...section('History', [
      ...(hidden > 0 ? [`… ${hidden} earlier (all with --verbose)`] : []),
      ...shown.map((event) => `${event.at}  ${neutralise(eventSentence(event))}`),
    ]),
  ];
}

function facts({ task }: TaskReport, style: Styles): string[] {
  const time = isEstimated(task) ? formatMinutes(task.expectedMinutes) : '';
  const shown = shownStatus(task.status, task.waitingFor);
  const waits = task.waitingFor.length === 0 ? '' : `, waits for ${task.waitingFor.join(', ')}`;
  const entries: [string, string][] = [
    ['Status', stylesOfStatuses(style)[shown](shown) + waits],
    ['Cancelled', task.cancelledDependencies.map((id) => `${id} will never be done`).join(', ')],
    ['Priority', task.priority],
    [
      'Size',
      [task.size ?? '', time === '' ? '' : `${time} expected`].filter((part) => part !== '').join(', '),
    ],
    ['Risk', task.risk ?? ''],
    ['Touches', task.touches.map(neutralise).join(', ')],
    ['List', neutralise(task.tag)],
    ['Created', task.createdAt],
    ['Updated', task.updatedAt],
  ];
  return entries.filter(([, value]) => value !== '').map(([name, value]) => `${name.padEnd(10)} ${value}`);
}

function taskLines(lines: readonly TaskLine[], style: Styles): string[] {
  const colors = stylesOfStatuses(style);
  const idWidth = Math.max(0, ...lines.map(({ id }) => id.length));
  const statusWidth = Math.max(0, ...lines.map(({ shown }) => shown.length));
  return lines.map(
    ({ id, shown, title }) =>
      `${id.padEnd(idWidth)}  ${colors[shown](shown.padEnd(statusWidth))}  ${neutralise(title)}`,
  );
}

/** Breaks a text into lines, and keeps its own lines and their indentation. */
function brokenLines(text: string, width: number | undefined): string[] {
  if (text.trim() === '') return [];
  return text
    .trimEnd()
    .split(/\r\n?|\n/)
    .flatMap((line) => {
      const indent = /^[ \t]*/.exec(line)?.[0].replaceAll('\t', '  ') ?? '';
      const clean = neutralise(line);
      const room = width === undefined ? Infinity : Math.max(20, width - 2 - indent.length);
      return (room === Infinity ? [clean] : wrap(clean, room)).map((piece) =>
        piece === '' ? '' : indent + piece,
      );
    });
}
