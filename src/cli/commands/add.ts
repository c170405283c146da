import { printJson, useColor, stdoutWidth } from '../print.ts';
import { Argument, Command, Option } from 'commander';
import { fail } from '../../domain/failure.ts';
import { styles } from '../../domain/text/styles.ts';
import type { TaskStore } from '../../store/store.ts';
import { compareTaskIds, PRIORITIES, type Priority, type TaskDraft } from '../../domain/task.ts';
import type { Cli } from '../cli.ts';
import { readDocument } from '../../app/planning/document.ts';
import {
  callCost,
  failAsManager,
  formatCallCost,
  formatDrafts,
  formatStored,
  tellNotes,
  nextId,
  rawDraft,
  type CallCost,
} from '../new-tasks-text.ts';
import { fold } from '../fold.ts';
import { openKeptReply, REPLY_OPTION } from '../../app/planning/kept-reply.ts';
import { interruptible } from '../../app/interrupt.ts';
import { onRun, type CommonOptions, withExamples } from '../command.ts';
import { findProject, openProjectStore, type Project } from '../../app/project/project.ts';
import { parseIds, selectTasks } from '../../app/tasks/ids.ts';
import { loadSettings } from '../../app/project/settings.ts';

/** Options of `add`. */
export interface AddOptions extends CommonOptions {
  readonly raw?: boolean;
  readonly priority?: Priority;
  readonly dependsOn?: string;
  readonly dryRun?: boolean;
  readonly reply?: string;
}

/** In the place of a text that nobody is asked about. */
const ANSWERED = 'The reply is there.';

/** `add`: one task, written by the manager, or as typed with `--raw`. */
export function addCommand(cli: Cli): Command {
  const command = new Command('add')
    .description(
      'Add one task: the manager writes it and finds what it depends on; --raw stores it as typed.',
    )
    .addArgument(new Argument('[text...]', 'what is to be done, "-" for stdin'))
    .option('--raw', 'store it as typed, without a model')
    .addOption(new Option('-p, --priority <priority>', 'its priority').choices(PRIORITIES))
    .option('--depends-on <ids>', 'tasks that must be done first, such as 1,3.2')
    .option(...REPLY_OPTION)
    .option('--dry-run', 'show the task, but store nothing');
  withExamples(command, [
    'add "Log every request with its duration"',
    'add --raw --priority high --depends-on 2,3 "Write the release notes"',
  ]);
  return onRun<AddOptions>(command, cli, (options, words) => addTask(cli, options, words));
}

/** Makes the task, stores it, and tells what was stored. */
export async function addTask(cli: Cli, options: AddOptions, words: readonly string[]): Promise<undefined> {
  const project = findProject(cli, options);
  const store = await openProjectStore(project);
  try {
    const given = options.dependsOn === undefined ? [] : selectTasks(store, parseIds([options.dependsOn]));
    const text =
      words.length === 1 && words[0] === '-'
        ? (await readDocument(cli, options, words, 'the task')).text
        : words.join(' ');
    if (text.trim() === '' && (options.reply === undefined || options.raw === true))
      fail('wrong-usage', 'The task is empty.', 'Say what is to be done.');
    const { draft, notes, cost } =
      options.raw === true
        ? { draft: rawDraft(nextId(store.tasks()), text), notes: [], cost: null }
        : await writtenDraft(cli, options, project, store, text);
    tellNotes(cli, options, notes);
    const dependencies = [...new Set([...draft.dependencies, ...given])].sort(compareTaskIds);
    const whole = { ...draft, priority: options.priority ?? draft.priority, dependencies };
    const dryRun = options.dryRun === true;
    const tasks = dryRun
      ? [whole]
      : store.addTasks([whole], { source: options.raw === true ? 'add --raw' : 'add' });

    if (options.json === true)
      printJson(cli, {
        stored: !dryRun,
        task: tasks[0],
        ...(cost === null ? {} : { mended: notes, ...cost }),
      });
    else {
      const style = styles(useColor(cli, options));
      const lines = [formatStored(1, dryRun), ...formatDrafts(tasks, stdoutWidth(cli), style)];
      if (cost !== null && options.quiet !== true) lines.push(formatCallCost(cost));
      cli.stdout.write(`${fold(cli.stdout, lines).join('\n')}\n`);
    }
    return undefined;
  } finally {
    store.close();
  }
}

async function writtenDraft(
  cli: Cli,
  options: AddOptions,
  project: Project,
  store: TaskStore,
  text: string,
): Promise<{ draft: TaskDraft; notes: readonly string[]; cost: CallCost }> {
  const settings = loadSettings(cli, project);
  const { openManager } = await import('../../app/planning/manager.ts');
  const { writeTask } = await import('../../manager/planning/draft-tasks.ts');
  const existing = store.tasks();
  const drafted = await interruptible(cli, 'Nothing was stored.', async (signal) => {
    const manager =
      options.reply === undefined
        ? await openManager(cli, project, settings, store, signal)
        : await openKeptReply(cli, options, options.reply);
    return writeTask(manager, { text: text.trim() === '' ? ANSWERED : text, existing }, signal);
  });
  if (!drafted.ok) {
    const { priority, dependsOn } = options;
    failAsManager(drafted.error, project, [
      'add',
      ...(priority === undefined ? [] : ['--priority', priority]),
      ...(dependsOn === undefined ? [] : ['--depends-on', dependsOn]),
    ]);
  }
  const [draft] = drafted.value.drafts;
  if (draft === undefined) throw new Error('Internal error: the manager wrote no task, and none was missed.');
  return { draft, notes: drafted.value.notes, cost: callCost(drafted.value) };
}
