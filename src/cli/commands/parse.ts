import { Argument, Command } from 'commander';
import type { ParseRequest } from '../../app/contract/parse.ts';
import { parse } from '../../app/parse.ts';
import { findProject } from '../../app/project/project.ts';
import type { Cli } from '../cli.ts';
import { onRun, withExamples, type CommonOptions } from '../command.ts';
import { fold } from '../fold.ts';
import { describeCallCost, describeNewTasks, REPLY_OPTION } from '../new-tasks-text.ts';
import { wholeNumber } from '../values.ts';
import { printReport } from '../print.ts';

interface ParseOptions extends CommonOptions {
  readonly numTasks?: number;
  readonly append?: boolean;
  readonly replace?: boolean;
  readonly dryRun?: boolean;
  readonly reply?: string;
}

/** More tasks than this are not asked for at once. */
const MAX_TASKS = 300;

/** `parse`: a requirements document becomes tasks, all of them or none. */
export function makeCommand(cli: Cli): Command {
  const command = new Command('parse')
    .description('Let the manager turn a requirements document into tasks with dependencies, all or nothing.')
    .addArgument(new Argument('[files...]', 'text or Markdown files, "-" for stdin'))
    .option('-n, --num-tasks <n>', 'about how many tasks to make (default: as many as it needs)', (text) =>
      wholeNumber('--num-tasks', text, 1, MAX_TASKS),
    )
    .option('--append', 'add to the tasks there are, as happens by itself for a document that is new')
    .option('--replace', 'put the new tasks in the place of those there are; what is in progress stays')
    .option(...REPLY_OPTION)
    .option('--dry-run', 'ask the manager and show the tasks, but store nothing');
  withExamples(command, ['parse prd.md', 'parse prd.md api.md --append', 'parse - --dry-run < prd.md']);
  return onRun<ParseOptions>(command, cli, (options, files) =>
    parseDocument(cli, options, { ...options, files }),
  );
}

/** Makes tasks of the document, and tells which. */
export async function parseDocument(
  cli: Cli,
  options: CommonOptions,
  request: ParseRequest,
): Promise<undefined> {
  const report = await parse(findProject(cli, options), request, cli);
  printReport(cli, options, report, ({ stored, tasks, ...cost }, layout) => {
    const lines = describeNewTasks(stored, tasks, layout);
    if (options.quiet !== true)
      lines.push(...describeCallCost(cost), ...(stored ? ['Next: claude-orchestrator plan'] : []));
    return fold(cli.stdout, lines);
  });
  return undefined;
}
