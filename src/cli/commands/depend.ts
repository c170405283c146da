import { Argument, Command } from 'commander';
import type { DependReport, DependRequest } from '../../app/contract/depend.ts';
import { depend } from '../../app/depend.ts';
import { findProject } from '../../app/project/project.ts';
import type { Cli } from '../cli.ts';
import { onRun, type CommonOptions, withExamples } from '../command.ts';
import { printChange } from '../print.ts';
import { oneOf, withWords } from '../values.ts';

const ACTIONS = ['add', 'remove'] as const satisfies readonly DependRequest['action'][];

/** `depend add|remove`: a dependency that would close a cycle is refused, and the cycle is shown. */
export function makeCommand(cli: Cli): Command {
  const command = new Command('depend')
    .description('Add or remove dependencies of a task: `depend add 5 3` makes 5 wait for 3.')
    .addArgument(withWords(new Argument('<action>', 'what to do'), ACTIONS))
    .addArgument(new Argument('<id>', 'the task that waits'))
    .addArgument(new Argument('<needs...>', 'the tasks it waits for (3, 3.2, 1,2, 1-4)'));
  withExamples(command, ['depend add 5 3', 'depend add 6 1-4', 'depend remove 5 3']);
  return onRun<CommonOptions>(command, cli, async (options, [word = '', id = '', ...dependsOn]) => {
    const request = { action: oneOf(word, ACTIONS), id, dependsOn };
    printChange(cli, options, await depend(findProject(cli, options), request), describe);
  });
}

/** `add-dependency --id=5 --depends-on=3`. */
export function makeAddDependency(cli: Cli): Command {
  return makeTaskMasterCommand(cli, 'add', 'Make a task depend on others.');
}

/** `remove-dependency --id=5 --depends-on=3`. */
export function makeRemoveDependency(cli: Cli): Command {
  return makeTaskMasterCommand(cli, 'remove', 'Make a task no longer depend on others.');
}

interface TaskMasterOptions extends CommonOptions {
  readonly id?: string;
  readonly dependsOn?: string;
}

function makeTaskMasterCommand(cli: Cli, action: DependRequest['action'], description: string): Command {
  const name = `${action}-dependency`;
  const command = new Command(name)
    .description(description)
    .requiredOption('-i, --id <id>', 'the task that waits')
    .requiredOption('--depends-on <ids>', 'the tasks it waits for');
  withExamples(command, [`${name} --id=5 --depends-on=3`]);
  return onRun<TaskMasterOptions>(command, cli, async (options) => {
    const { id = '', dependsOn = '' } = options;
    const report = await depend(findProject(cli, options), { action, id, dependsOn: [dependsOn] });
    printChange(cli, options, report, describe);
  });
}

function describe({ action, id, changed, unchanged }: DependReport): string[] {
  const isAdded = action === 'add';
  const lines: string[] = [];
  if (changed.length > 0)
    lines.push(`${id} ${isAdded ? 'now depends on' : 'no longer depends on'} ${changed.join(', ')}`);
  if (unchanged.length > 0)
    lines.push(`${id} ${isAdded ? 'depended on' : 'did not depend on'} ${unchanged.join(', ')} already`);
  return lines;
}
