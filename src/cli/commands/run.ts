import { Command } from 'commander';
import { EXIT, type Cli } from '../cli.ts';
import { onRun, withExamples } from '../command.ts';
import { findProject, openProjectStore } from '../../app/project/project.ts';
import { executeRun } from '../../app/run.ts';
import type { RunCommandOptions } from '../../app/run/job.ts';
import { addRunOptions, refuseWindows, runFlags } from '../run/run-command-options.ts';
import { nothingToDo, sayNothingToDo, showPlan } from '../../app/run/nothing-to-do.ts';
import { loadSettings } from '../../app/project/settings.ts';
import { parseIds, selectTasks } from '../../app/tasks/ids.ts';

/** `run`: the main job. */
export function runCommand(cli: Cli): Command {
  const command = new Command('run')
    .description(
      'Do the open tasks in dependency order, several at once, each by a Claude CLI process of its own.',
    )
    .argument('[ids...]', 'only these tasks, such as 3 or 1,4-6 (default: all open ones)')
    .option('--id <ids>', 'the same as naming them', (text, before?: string[]) => [...(before ?? []), text])
    .option('--dry-run', 'show what would run when, and start nothing');
  addRunOptions(command);
  withExamples(command, ['run', 'run 1-4 --workers 2', 'run --max-cost 5 --report night.html']);
  return onRun<RunCommandOptions>(command, cli, async (options, args) => {
    refuseWindows(cli);
    const project = findProject(cli, options);
    const settings = loadSettings(cli, project, runFlags(options));
    const store = await openProjectStore(project);
    try {
      const context = { cli, options, project, settings, store };
      const ids = [...args, ...(options.id ?? [])];
      const only = ids.length === 0 ? undefined : selectTasks(store, parseIds(ids));
      if (options.dryRun === true) {
        showPlan(context);
        return EXIT.done;
      }
      if (await nothingToDo(context, only)) return await sayNothingToDo(context, only);
      return await executeRun(context, only);
    } finally {
      store.close();
    }
  });
}
