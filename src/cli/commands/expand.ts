import type { Command } from 'commander';
import type { ExpandRequest } from '../../app/contract/expand.ts';
import { expand } from '../../app/expand.ts';
import { fail } from '../../domain/failure.ts';
import type { Cli } from '../cli.ts';
import { describeCallCost, describeNewTasks, REPLY_OPTION } from '../new-tasks-text.ts';
import { ToolCommand } from '../tool-command.ts';

const MAX_SUBTASKS = 50;

/** `expand`: breaks a task down into subtasks, all of them or none. */
export function makeCommand(cli: Cli): Command {
  return new ToolCommand('expand')
    .description('Let the manager break a task down into subtasks, all or nothing.')
    .argument('[id]', 'the task, the same as --id')
    .option('-i, --id <id>', 'the task')
    .wholeNumber(
      '-n, --num <n>',
      'about how many subtasks to make (default: as many as it needs)',
      1,
      MAX_SUBTASKS,
    )
    .option('-r, --research', 'let the manager look at the repository and the web first')
    .option('-p, --prompt <text>', 'what to look out for')
    .option('-f, --force', 'replace the pending subtasks it has')
    .option(...REPLY_OPTION)
    .option('--dry-run', 'ask the manager and show the subtasks, but store nothing')
    .examples('expand 3', 'expand --id=3 --num 5 --research --prompt "tests first"')
    .onRun<Partial<ExpandRequest>>(cli, async (call) => {
      const { options, args } = call;
      const id = options.id ?? args[0];
      if (id === undefined || (options.id !== undefined && args.length > 0))
        fail(
          'wrong-usage',
          'Exactly one task is to be named.',
          'For example: `expand 3`, or `expand --id=3`.',
        );
      const report = await expand(call.project, { ...options, id }, cli);
      call.print(report, ({ stored, subtasks, sources, ...cost }, layout) => {
        const lines = describeNewTasks(stored, subtasks, layout, ` under task ${report.id}`);
        if (options.quiet !== true)
          lines.push(...sources.map((source) => `Source: ${source}`), ...describeCallCost(cost));
        return layout.fold(lines);
      });
    });
}
