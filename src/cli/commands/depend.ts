import type { Command } from 'commander';
import type { DependReport, DependRequest } from '../../app/contract/depend.ts';
import { depend } from '../../app/depend.ts';
import type { Cli } from '../cli.ts';
import { oneOf, ToolCommand } from '../tool-command.ts';

const ACTIONS = ['add', 'remove'] as const satisfies readonly DependRequest['action'][];

/** `depend add|remove`: a dependency that would close a cycle is refused, and the cycle is shown. */
export function makeCommand(cli: Cli): Command {
  return new ToolCommand('depend')
    .description('Add or remove dependencies of a task: `depend add 5 3` makes 5 wait for 3.')
    .words('<action>', 'what to do', ACTIONS)
    .argument('<id>', 'the task that waits')
    .argument('<needs...>', 'the tasks it waits for (3, 3.2, 1,2, 1-4)')
    .examples('depend add 5 3', 'depend add 6 1-4', 'depend remove 5 3')
    .onRun(cli, async ({ project, args: [word = '', id = '', ...dependsOn], printChange }) => {
      const action = oneOf(word, ACTIONS);
      printChange(await depend(project, { action, id, dependsOn }), describe);
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

function makeTaskMasterCommand(cli: Cli, action: DependRequest['action'], description: string): Command {
  const name = `${action}-dependency`;
  return new ToolCommand(name)
    .description(description)
    .requiredOption('-i, --id <id>', 'the task that waits')
    .requiredOption('--depends-on <ids>', 'the tasks it waits for')
    .examples(`${name} --id=5 --depends-on=3`)
    .onRun<Record<'id' | 'dependsOn', string>>(cli, async ({ project, options, printChange }) => {
      const { id, dependsOn } = options;
      printChange(await depend(project, { action, id, dependsOn: [dependsOn] }), describe);
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
