import { Command } from 'commander';
import { neutralise } from '../../domain/text/display-text.ts';
import { plural } from '../../domain/text/format.ts';
import { styles, type Styles } from '../../domain/text/styles.ts';
import type { TaskStore } from '../../store/store.ts';
import type { TaskCounts } from '../../domain/task-outline.ts';
import type { Cli } from '../cli.ts';
import { onRun, printJson, useColor, type CommonOptions } from '../command.ts';
import { countTasks, describeCounts, inList } from '../../app/tasks/counts.ts';
import { findNext, findNextQuickly, type Holder, type NextTask } from '../../app/next.ts';
import { withExamples, withStore } from '../tasks/session.ts';
import { loadGraphBoard, viewTask } from '../../app/tasks/view.ts';

/** `next`: the task that `run` would start first, and why; where there is none, what everything waits for. */
export function nextCommand(cli: Cli): Command {
  const command = new Command('next').description(
    'Name the task to do next, and why: the longest chain of work that hangs on it, then its priority, then its id.',
  );
  withExamples(command, ['next', 'next --json']);
  return onRun<CommonOptions>(command, cli, async (options) => {
    const { found, counts } = await withStore(cli, options, look);
    if (options.json === true) printJson(cli, found);
    else cli.stdout.write(`${describe(found, counts, styles(useColor(cli, options)), options).join('\n')}\n`);
    return undefined;
  });
}

/** The whole list is read only where nothing can start, to tell what everything waits for. */
function look(store: TaskStore): { found: NextTask; counts: TaskCounts | null } {
  const found = findNextQuickly(store);
  if (found !== undefined) return { found, counts: null };
  const board = loadGraphBoard(store);
  return { found: findNext(board), counts: countTasks(board.tasks.map((task) => viewTask(board, task))) };
}

/** How many names are worth listing before they are only counted. */
const MAX_NAMED = 5;

function describe(
  { next, alsoReady, waitingFor }: NextTask,
  counts: TaskCounts | null,
  style: Styles,
  { quiet, tag }: CommonOptions,
): string[] {
  if (next !== null) {
    const lines = [`${style.bold(next.id)}  ${style.bold(neutralise(next.title))}`];
    if (quiet === true) return lines;
    lines.push(`Why: ${next.why}.`);
    if (next.status === 'failed') lines.push(`It has failed before: \`show ${next.id}\` tells why.`);
    for (const id of next.cancelledDependencies)
      lines.push(`It needs ${id}, which was cancelled and will never come.`);
    if (alsoReady.length > 0) lines.push(`Also ready: ${listed(alsoReady)}.`);
    lines.push(
      `Have it done with \`claude-orchestrator run ${next.id}\`, or take it yourself with \`set-status ${next.id} in-progress\`.`,
    );
    return lines;
  }
  if (counts === null || counts.total === 0)
    return [
      `There are no tasks yet${inList(tag)}: \`claude-orchestrator parse prd.md\` makes them from a document, \`claude-orchestrator add "…"\` adds one.`,
    ];
  if (waitingFor.length === 0) return [`Nothing is left to do. ${describeCounts(counts)}.`];
  return [
    'Nothing can start now. Everything that is open waits for:',
    ...waitingFor.slice(0, MAX_NAMED).map(describeHolder),
    ...(waitingFor.length > MAX_NAMED ? [`  … and ${waitingFor.length - MAX_NAMED} more`] : []),
    'Settle one with `set-status ID done`, or bring it back with `set-status ID pending`.',
  ];
}

function describeHolder({ id, title, status, holdsUp }: Holder): string {
  const behind = holdsUp === 0 ? '' : `, holds up ${plural(holdsUp, 'task')}`;
  return `  ${id}  ${neutralise(title)} (${status}${behind})`;
}

function listed(ids: readonly string[]): string {
  const named = ids.slice(0, MAX_NAMED).join(', ');
  return ids.length > MAX_NAMED ? `${named} and ${ids.length - MAX_NAMED} more` : named;
}
