import { Argument, Command } from 'commander';
import { fail } from '../../domain/failure.ts';
import { nearest } from '../../domain/text/nearest.ts';
import type { Cli } from '../cli.ts';
import { onRun, type CommonOptions, withExamples } from '../command.ts';
import { changeDependencies, DEPENDENCY_ACTIONS } from '../tasks/dependencies.ts';

/** `depend add|remove`: what would make a cycle is refused, with the cycle. */
export function dependCommand(cli: Cli): Command {
  const command = new Command('depend')
    .description('Make a task depend on others, or no longer: `depend add 5 3` makes 5 wait for 3.')
    .addArgument(new Argument('<action>', 'what to do').choices(DEPENDENCY_ACTIONS).argParser(String))
    .addArgument(new Argument('<id>', 'the task that waits'))
    .addArgument(new Argument('<needs...>', 'the tasks it waits for (3, 3.2, 1,2, 1-4)'));
  withExamples(command, ['depend add 5 3', 'depend add 6 1-4', 'depend remove 5 3']);
  return onRun<CommonOptions>(command, cli, async (options, [word = '', id = '', ...needs]) => {
    const action = DEPENDENCY_ACTIONS.find((known) => known === word);
    if (action === undefined) {
      const meant = nearest(word, DEPENDENCY_ACTIONS);
      fail(
        'wrong-usage',
        `${JSON.stringify(word)}: expected add or remove.`,
        meant === undefined ? undefined : `Did you mean "${meant}"?`,
      );
    }
    await changeDependencies(cli, options, action, id, needs);
    return undefined;
  });
}
