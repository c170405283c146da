import { printJson } from '../print.ts';
import { findProject, withStore } from '../../app/project/project.ts';
import { Command, Option } from 'commander';
import { fail } from '../../domain/failure.ts';
import { neutralise } from '../../domain/text/display-text.ts';
import { PRIORITIES, RISKS, SIZES } from '../../domain/task.ts';
import type { Cli } from '../cli.ts';
import { onRun, type CommonOptions, withExamples } from '../command.ts';
import { NONE, parseChanges, type EditFlags } from '../../app/edit.ts';
import { parseId } from '../../app/tasks/ids.ts';

type EditOptions = CommonOptions & EditFlags;

/** `edit`: changes what its flags name, and nothing else. */
export function editCommand(cli: Cli): Command {
  const command = new Command('edit')
    .description(
      'Change a task. Only what is given is changed; dependencies have `depend`, the status `set-status`.',
    )
    .argument('<id>', 'the task (3 or 3.2)')
    .option('--title <text>', 'what is to be done, in one line')
    .option('--description <text>', 'what is to be done, in a few sentences')
    .option('--details <text>', 'how it is to be done')
    .option('--test-strategy <text>', 'how to tell that it works')
    .addOption(withWords('--priority <priority>', 'how urgent it is', PRIORITIES))
    .addOption(withWords('--size <size>', 'how much work it is', [...SIZES, NONE]))
    .option('--estimate <time>', `working time, finer than the size: 45, 1h30m or ${NONE}`)
    .option('--touches <globs>', `paths it is expected to change, separated by commas, or ${NONE}`)
    .addOption(withWords('--risk <risk>', 'how likely it is to go wrong', [...RISKS, NONE]));
  withExamples(command, ['edit 3 --priority high --size L', 'edit 3.2 --touches "src/api/**,docs/api.md"']);
  return onRun<EditOptions>(command, cli, async (options, [idText = '']) => {
    const id = parseId(idText);
    const changes = parseChanges(options);
    if (Object.keys(changes).length === 0)
      fail(
        'wrong-usage',
        `Nothing is said about what to change of task ${id}.`,
        `Give at least one of ${FLAGS.join(', ')}; no editor is opened.`,
      );
    const task = await withStore(findProject(cli, options), (store) => store.editTask(id, changes));
    if (options.json === true) printJson(cli, { task });
    else if (options.quiet !== true)
      cli.stdout.write(
        `${task.id}  ${neutralise(task.title)}  (changed: ${Object.keys(changes).join(', ')})\n`,
      );
    return undefined;
  });
}

const FLAGS = [
  '--title',
  '--description',
  '--details',
  '--test-strategy',
  '--priority',
  '--size',
  '--estimate',
  '--touches',
  '--risk',
];

/** The words are for the help and for completion; `parseChanges` judges what is given. */
function withWords(flags: string, description: string, words: readonly string[]): Option {
  return new Option(flags, description).choices(words).argParser(String);
}
