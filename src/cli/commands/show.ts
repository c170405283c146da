import { printJson, useColor, stdoutWidth } from '../print.ts';
import { Argument, Command } from 'commander';
import { styles } from '../../domain/text/styles.ts';
import { redactValue } from '../../domain/redact.ts';
import type { Cli } from '../cli.ts';
import { onRun, type CommonOptions, withExamples } from '../command.ts';
import { findProject, withStore } from '../../app/project/project.ts';
import { redactorFor } from '../../app/project/redaction.ts';
import { parseIds, selectTasks } from '../../app/tasks/ids.ts';
import { renderReport } from '../tasks/render-report.ts';
import { reportTasks } from '../../app/show.ts';
import { loadBoard, loadBoardAround } from '../../app/tasks/view.ts';
import type { TaskReport } from '../../app/contract/show.ts';

interface ShowOptions extends CommonOptions {
  readonly id?: string;
}

/** How many of a task's newest events are shown without --verbose. */
const RECENT_EVENTS = 12;

/** From so many tasks on, all are read at once: one by one with all around them would take longer. */
const MANY = 100;

/** `show`: everything about tasks, their attempts and their history included. */
export function showCommand(cli: Cli): Command {
  const command = new Command('show')
    .description('Tell everything about tasks: texts, dependencies, attempts with their cost, history.')
    .addArgument(new Argument('[ids...]', 'tasks (3, 3.2, 1,2, 1-4)'))
    .option('-i, --id <ids>', 'tasks, in the spelling of Task Master');
  withExamples(command, ['show 3', 'show 3.1,3.2 --json']);
  return onRun<ShowOptions>(command, cli, async (options, args) => {
    const ranges = parseIds(options.id === undefined ? args : [options.id, ...args]);
    const found = await withStore(findProject(cli, options), (store) => {
      const ids = selectTasks(store, ranges);
      const board = ids.length > MANY ? loadBoard(store) : loadBoardAround(store, ids);
      return reportTasks(store, board, ids);
    });
    const told = found.some(({ attempts }) => attempts.length > 0) ? await readTranscripts(found) : found;
    const reports = redactValue(told, redactorFor(cli, findProject(cli, options)));
    if (options.json === true) {
      printJson(cli, { tasks: reports });
      return undefined;
    }
    const layout = {
      style: styles(useColor(cli, options)),
      width: cli.stdout.isTTY === true ? stdoutWidth(cli) : undefined,
      events: options.verbose === true ? Infinity : RECENT_EVENTS,
    };
    const separator = ['', ''];
    const lines = reports.flatMap((report, index) => [
      ...(index > 0 ? separator : []),
      ...renderReport(report, layout),
    ]);
    cli.stdout.write(`${lines.join('\n')}\n`);
    return undefined;
  });
}

/** Transcripts are read by what no other report needs. */
async function readTranscripts(reports: readonly TaskReport[]): Promise<readonly TaskReport[]> {
  const { withSigns } = await import('../../app/transcript/failure-signals.ts');
  return await Promise.all(reports.map(withSigns));
}
