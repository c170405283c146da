import { Argument, Command } from 'commander';
import { expand } from '../../app/expand.ts';
import { findProject } from '../../app/project/project.ts';
import { fail } from '../../domain/failure.ts';
import type { Cli } from '../cli.ts';
import { onRun, withExamples, type CommonOptions } from '../command.ts';
import { fold } from '../fold.ts';
import { describeCallCost, describeNewTasks, REPLY_OPTION } from '../new-tasks-text.ts';
import { wholeNumber } from '../values.ts';
import { printReport } from '../print.ts';

interface ExpandOptions extends CommonOptions {
  readonly id?: string;
  readonly num?: number;
  readonly research?: boolean;
  readonly prompt?: string;
  readonly force?: boolean;
  readonly dryRun?: boolean;
  readonly reply?: string;
}

const MAX_SUBTASKS = 50;

/** `expand`: breaks a task down into subtasks, all of them or none. */
export function makeCommand(cli: Cli): Command {
  const command = new Command('expand')
    .description('Let the manager break a task down into subtasks, all or nothing.')
    .addArgument(new Argument('[id]', 'the task, the same as --id'))
    .option('-i, --id <id>', 'the task')
    .option('-n, --num <n>', 'about how many subtasks to make (default: as many as it needs)', (text) =>
      wholeNumber('--num', text, 1, MAX_SUBTASKS),
    )
    .option('-r, --research', 'let the manager look at the repository and the web first')
    .option('-p, --prompt <text>', 'what to look out for')
    .option('-f, --force', 'replace the pending subtasks it has')
    .option(...REPLY_OPTION)
    .option('--dry-run', 'ask the manager and show the subtasks, but store nothing');
  withExamples(command, ['expand 3', 'expand --id=3 --num 5 --research --prompt "tests first"']);
  return onRun<ExpandOptions>(command, cli, async (options, args) => {
    const id = options.id ?? args[0];
    if (id === undefined || (options.id !== undefined && args.length > 0))
      fail('wrong-usage', 'Exactly one task is to be named.', 'For example: `expand 3`, or `expand --id=3`.');
    const report = await expand(findProject(cli, options), { ...options, id }, cli);
    printReport(cli, options, report, ({ stored, subtasks, sources, ...cost }, layout) => {
      const lines = describeNewTasks(stored, subtasks, layout, ` under task ${report.id}`);
      if (options.quiet !== true)
        lines.push(...sources.map((source) => `Source: ${source}`), ...describeCallCost(cost));
      return fold(cli.stdout, lines);
    });
  });
}
