import { printJson, useColor, stdoutWidth } from '../print.ts';
import { Argument, Command } from 'commander';
import { fail } from '../../domain/failure.ts';
import { styles } from '../../domain/text/styles.ts';
import { parentOf, type Task, type TaskId } from '../../domain/task.ts';
import type { Cli } from '../cli.ts';
import {
  callCost,
  failAsManager,
  formatCallCost,
  formatDrafts,
  formatStored,
  tellNotes,
} from '../new-tasks-text.ts';
import { fold } from '../fold.ts';
import { openKeptReply, REPLY_OPTION } from '../../app/planning/kept-reply.ts';
import { interruptible } from '../../app/interrupt.ts';
import { wholeNumber } from '../values.ts';
import { onRun, type CommonOptions, withExamples } from '../command.ts';
import { findProject, openProjectStore } from '../../app/project/project.ts';
import { parseId } from '../../app/tasks/ids.ts';
import { loadSettings } from '../../app/project/settings.ts';

interface ExpandOptions extends CommonOptions {
  readonly id?: string;
  readonly num?: number;
  readonly research?: boolean;
  readonly prompt?: string;
  readonly force?: boolean;
  readonly dryRun?: boolean;
  readonly reply?: string;
}

const MAX_SUBTASKS = 50;

/** `expand`: breaks a task down into subtasks, all of them or none. */
export function expandCommand(cli: Cli): Command {
  const command = new Command('expand')
    .description('Let the manager break a task down into subtasks, all or nothing.')
    .addArgument(new Argument('[id]', 'the task, the same as --id'))
    .option('-i, --id <id>', 'the task')
    .option('-n, --num <n>', 'about how many subtasks to make (default: as many as it needs)', (text) =>
      wholeNumber('--num', text, 1, MAX_SUBTASKS),
    )
    .option('-r, --research', 'let the manager look at the repository and the web first')
    .option('-p, --prompt <text>', 'what to look out for')
    .option('-f, --force', 'replace the pending subtasks it has')
    .option(...REPLY_OPTION)
    .option('--dry-run', 'ask the manager and show the subtasks, but store nothing');
  withExamples(command, ['expand 3', 'expand --id=3 --num 5 --research --prompt "tests first"']);
  return onRun<ExpandOptions>(command, cli, (options, args) => expandOne(cli, options, args));
}

async function expandOne(cli: Cli, options: ExpandOptions, args: readonly string[]): Promise<undefined> {
  const given = options.id ?? args[0];
  if (given === undefined || (options.id !== undefined && args.length > 0))
    fail('wrong-usage', 'Exactly one task is to be named.', 'For example: `expand 3`, or `expand --id=3`.');
  const id = parseId(given);
  const project = findProject(cli, options);
  const store = await openProjectStore(project);
  try {
    const tasks = store.tasks();
    const task = tasks.find((each) => each.id === id);
    if (task === undefined)
      fail('task-not-found', `There is no task ${id}.`, '`list --with-subtasks` shows every id.');
    const replaced = refuseUnlessExpandable(task, tasks, options.force === true);
    const existing = tasks.filter((each) => !replaced.includes(each.id));

    const settings = loadSettings(cli, project);
    const { openManager } = await import('../../app/planning/manager.ts');
    const { expandTask } = await import('../../manager/planning/draft-tasks.ts');
    const drafted = await interruptible(cli, 'Nothing was stored.', async (signal) => {
      const manager =
        options.reply === undefined
          ? await openManager(cli, project, settings, store, signal)
          : await openKeptReply(cli, options, options.reply);
      const research = options.research === true;
      return expandTask(
        manager,
        { task, existing, num: options.num, research, prompt: options.prompt },
        signal,
      );
    });
    if (!drafted.ok)
      failAsManager(drafted.error, project, ['expand', id, ...(options.force === true ? ['--force'] : [])]);
    const dryRun = options.dryRun === true;
    const { drafts, sources, notes } = drafted.value;
    tellNotes(cli, options, notes);
    const subtasks = dryRun ? drafts : store.addTasks(drafts, { source: `expand ${id}`, replace: replaced });

    const cost = callCost(drafted.value);
    if (options.json === true)
      printJson(cli, { stored: !dryRun, id, subtasks, sources, mended: notes, ...cost });
    else {
      const style = styles(useColor(cli, options));
      const lines = [`${formatStored(subtasks.length, dryRun)} under task ${id}`];
      lines.push(...formatDrafts(subtasks, stdoutWidth(cli), style));
      if (options.quiet !== true)
        lines.push(...sources.map((source) => `Source: ${source}`), formatCallCost(cost));
      cli.stdout.write(`${fold(cli.stdout, lines).join('\n')}\n`);
    }
    return undefined;
  } finally {
    store.close();
  }
}

/** The subtasks that the new ones take the place of; refuses before anything is paid for. */
function refuseUnlessExpandable(task: Task, tasks: readonly Task[], force: boolean): TaskId[] {
  const { id, status } = task;
  const parent = parentOf(id);
  if (parent !== undefined) {
    fail(
      'wrong-usage',
      `${id} is a subtask, and subtasks have none of their own.`,
      `Change it with \`edit ${id}\`.`,
    );
  }
  const subtasks = tasks.filter((each) => parentOf(each.id) === id);
  if (status === 'done' || status === 'cancelled') {
    fail(
      'wrong-usage',
      `Task ${id} is ${status}: there is nothing left to break down.`,
      `If there is, run \`set-status ${id} pending\` first, or \`add\` a new task.`,
    );
  }
  if (subtasks.length === 0) {
    if (status === 'pending' || status === 'failed' || status === 'deferred') return [];
    fail(
      'wrong-usage',
      `Task ${id} is ${status}: somebody works on it.`,
      'Wait for its end, or stop the run.',
    );
  }
  const pending = subtasks.filter((each) => each.status === 'pending').map((each) => each.id);
  if (!force) {
    fail(
      'wrong-usage',
      `Task ${id} has ${subtasks.length} subtasks already, ${pending.length} of them pending.`,
      'Replace the pending ones with --force, or `add` what is missing.',
    );
  }
  const dependents = tasks.filter(
    (each) => !pending.includes(each.id) && each.dependencies.some((need) => pending.includes(need)),
  );
  if (dependents.length > 0) {
    const names = dependents.map((each) => each.id).join(', ');
    fail(
      'task-needed',
      `Task ${names} needs some of the subtasks that would be replaced.`,
      `Make it depend on ${id} as a whole first, with \`depend\`.`,
    );
  }
  return pending;
}
