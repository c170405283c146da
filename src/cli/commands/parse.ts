import { printJson, useColor, stdoutWidth } from '../print.ts';
import { Argument, Command } from 'commander';
import { fail } from '../../domain/failure.ts';
import { plural } from '../../domain/text/format.ts';
import { styles } from '../../domain/text/styles.ts';
import type { SourceDocument, TaskStore } from '../../store/store.ts';
import { parentOf, type Task } from '../../domain/task.ts';
import type { Cli } from '../cli.ts';
import { readDocument } from '../../app/planning/document.ts';
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
import { loadSettings } from '../../app/project/settings.ts';

/** Options of `parse`. */
export interface ParseOptions extends CommonOptions {
  readonly numTasks?: number;
  readonly append?: boolean;
  readonly replace?: boolean;
  readonly dryRun?: boolean;
  readonly reply?: string;
}

/** More tasks than this are not asked for at once. */
const MAX_TASKS = 300;

/** In the place of a document that nobody is asked about. */
const ANSWERED = 'The reply is there.';

/** `parse`: a requirements document becomes tasks, all of them or none. */
export function parseCommand(cli: Cli): Command {
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
  return onRun<ParseOptions>(command, cli, (options, files) => parseDocument(cli, options, files));
}

/** Reads the document, asks the manager, stores what it made of it, and tells what that was. */
export async function parseDocument(
  cli: Cli,
  options: ParseOptions,
  files: readonly string[],
): Promise<undefined> {
  if (options.append === true && options.replace === true)
    fail('wrong-usage', '--append and --replace contradict each other.', 'Give one of them.');
  const { reply } = options;
  if (files.length === 0 && reply === undefined)
    fail('wrong-usage', 'No document is named.', 'For example: `parse prd.md`, or `parse -` for stdin.');
  const project = findProject(cli, options);
  const store = await openProjectStore(project);
  try {
    const before = store.tasks();
    // The files' own mistakes and those of the configuration come first: they are there whatever is answered.
    const { text: prd, sources } =
      files.length === 0
        ? { text: ANSWERED, sources: [] }
        : await readDocument(cli, options, files, 'the requirements');
    const settings = loadSettings(cli, project);
    const kept = reply === undefined ? undefined : await openKeptReply(cli, options, reply);
    const dryRun = options.dryRun === true;
    if (before.length > 0 && options.append !== true && options.replace !== true)
      refuseToGuess(files, sources, store.documents(), before.length);
    const existing = options.replace === true ? leftByReplace(before) : before;

    const { openManager } = await import('../../app/planning/manager.ts');
    const { parsePrd } = await import('../../manager/planning/draft-tasks.ts');
    const drafted = await interruptible(cli, 'Nothing was stored.', async (signal) => {
      const manager = kept ?? (await openManager(cli, project, settings, store, signal));
      return parsePrd(manager, { prd, existing, numTasks: options.numTasks }, signal);
    });
    const mode = (['append', 'replace'] as const).filter((name) => options[name] === true);
    if (!drafted.ok)
      failAsManager(drafted.error, project, ['parse', ...files, ...mode.map((name) => `--${name}`)]);
    const { drafts, notes } = drafted.value;
    tellNotes(cli, options, notes);
    if (!dryRun) warnOfNewcomers(cli, store, before, options);
    const source = `parse ${files.join(' ')}`.trim();
    const replace = options.replace === true;
    const tasks = dryRun ? drafts : store.addTasks(drafts, { source, replace, documents: sources });

    const cost = callCost(drafted.value);
    if (options.json === true) printJson(cli, { stored: !dryRun, tasks, mended: notes, ...cost });
    else {
      const style = styles(useColor(cli, options));
      const lines = [formatStored(tasks.length, dryRun), ...formatDrafts(tasks, stdoutWidth(cli), style)];
      if (options.quiet !== true)
        lines.push(formatCallCost(cost), ...(dryRun ? [] : ['Next: claude-orchestrator plan']));
      cli.stdout.write(`${fold(cli.stdout, lines).join('\n')}\n`);
    }
    return undefined;
  } finally {
    store.close();
  }
}

/** A new document is added to what is there; one that tasks were made of already may stand for them or beside them. */
function refuseToGuess(
  files: readonly string[],
  sources: readonly SourceDocument[],
  known: readonly SourceDocument[],
  count: number,
): void {
  const names = sources.flatMap(({ path, digest }, index) => {
    const name = path === null ? 'stdin' : (files[index] ?? path);
    if (known.some((document) => document.digest === digest)) return [`${name} (unchanged)`];
    return path !== null && known.some((document) => document.path === path)
      ? [`${name} (changed since)`]
      : [];
  });
  if (names.length === 0) return;
  fail(
    'wrong-usage',
    `Tasks were made of ${names.join(', ')} before, and there ${count === 1 ? 'is' : 'are'} already ${plural(count, 'task')}. Nothing was sent or changed.`,
    'Add to them with --append, or start over with --replace, which deletes all that is not in progress.',
  );
}

/** What `--replace` leaves: tasks in progress and the groups they belong to, with what they need of each other. */
function leftByReplace(tasks: readonly Task[]): Task[] {
  const groups = new Set(tasks.map(({ id }) => parentOf(id)));
  const working = tasks.filter(({ id, status }) => status === 'in-progress' && !groups.has(id));
  const kept = new Set(working.flatMap(({ id }) => [id, parentOf(id)]));
  return tasks
    .filter(({ id }) => kept.has(id))
    .map((task) => ({ ...task, dependencies: task.dependencies.filter((need) => kept.has(need)) }));
}

/** Nothing that others stored while the manager was asked is lost, but it must not go unsaid. */
function warnOfNewcomers(cli: Cli, store: TaskStore, before: readonly Task[], options: ParseOptions): void {
  const known = new Set(before.map(({ id }) => id));
  const added = store.tasks().filter(({ id }) => !known.has(id));
  if (added.length === 0) return;
  const became = options.replace === true ? 'They are replaced too.' : 'The new tasks are added to them.';
  const warning = `warning: ${plural(added.length, 'task')} came in meanwhile. ${became}`;
  cli.stderr.write(`${fold(cli.stderr, [warning]).join('\n')}\n`);
}
