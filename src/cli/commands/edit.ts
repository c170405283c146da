import type { Command } from 'commander';
import type { EditRequest } from '../../app/contract/edit.ts';
import { edit, NONE } from '../../app/edit.ts';
import { PRIORITIES, RISKS, SIZES } from '../../domain/task.ts';
import { neutralise } from '../../domain/text/display-text.ts';
import type { Cli } from '../cli.ts';
import { ToolCommand } from '../tool-command.ts';

/** `edit`: changes the fields that its flags name, and no others. */
export function makeCommand(cli: Cli): Command {
  return new ToolCommand('edit')
    .description(
      'Change fields of a task. Use `depend` for its dependencies and `set-status` for its status.',
    )
    .argument('<id>', 'the task (3 or 3.2)')
    .option('--title <text>', 'what is to be done, in one line')
    .option('--description <text>', 'what is to be done, in a few sentences')
    .option('--details <text>', 'how it is to be done')
    .option('--test-strategy <text>', 'how to check that it works')
    .words('--priority <priority>', 'how urgent it is', PRIORITIES)
    .words('--size <size>', 'how much work it is', [...SIZES, NONE])
    .option('--estimate <time>', `working time, finer than the size: 45, 1h30m or ${NONE}`)
    .option('--touches <globs>', `paths it is expected to change, separated by commas, or ${NONE}`)
    .words('--risk <risk>', 'how likely it is to go wrong', [...RISKS, NONE])
    .examples('edit 3 --priority high --size L', 'edit 3.2 --touches "src/api/**,docs/api.md"')
    .onRun<Omit<EditRequest, 'id'>>(cli, async ({ project, options, args: [id = ''], printChange }) => {
      printChange(await edit(project, { ...options, id }), ({ task, changed }) => [
        `${task.id}  ${neutralise(task.title)}  (changed: ${changed.join(', ')})`,
      ]);
    });
}
