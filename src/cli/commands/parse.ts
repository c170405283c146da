import type { Command } from 'commander';
import type { ParseRequest } from '../../app/contract/parse.ts';
import { parse } from '../../app/parse.ts';
import type { Cli } from '../cli.ts';
import { describeCallCost, describeNewTasks, REPLY_OPTION } from '../new-tasks-text.ts';
import { ToolCommand, type Call } from '../tool-command.ts';

/** More tasks than this are not asked for at once. */
const MAX_TASKS = 300;

/** `parse`: a requirements document becomes tasks, all of them or none. */
export function makeCommand(cli: Cli): Command {
  return new ToolCommand('parse')
    .description('Let the manager turn a requirements document into tasks with dependencies, all or nothing.')
    .argument('[files...]', 'text or Markdown files, "-" for stdin')
    .wholeNumber(
      '-n, --num-tasks <n>',
      'about how many tasks to make (default: as many as it needs)',
      1,
      MAX_TASKS,
    )
    .option('--append', 'add to the tasks there are, as happens by itself for a document that is new')
    .option('--replace', 'put the new tasks in the place of those there are; what is in progress stays')
    .option(...REPLY_OPTION)
    .option('--dry-run', 'ask the manager and show the tasks, but store nothing')
    .examples('parse prd.md', 'parse prd.md api.md --append', 'parse - --dry-run < prd.md')
    .onRun<Omit<ParseRequest, 'files'>>(cli, (call) =>
      parseDocument(cli, call, { ...call.options, files: call.args }),
    );
}

/** Makes tasks of the document, and tells which. */
export async function parseDocument(
  cli: Cli,
  { project, print }: Call,
  request: ParseRequest,
): Promise<undefined> {
  print(await parse(project, request, cli), ({ stored, tasks, ...cost }, layout) => {
    const lines = describeNewTasks(stored, tasks, layout);
    if (layout.options.quiet !== true)
      lines.push(...describeCallCost(cost), ...(stored ? ['Next: claude-orchestrator plan'] : []));
    return layout.fold(lines);
  });
  return undefined;
}
