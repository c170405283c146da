import { printJson, useColor, stdoutWidth } from '../print.ts';
import { existsSync } from 'node:fs';
import { Argument, Command } from 'commander';
import { fail } from '../../domain/failure.ts';
import { styles } from '../../domain/text/styles.ts';
import { probeDriver } from '../../store/driver.ts';
import { isSettled, type TaskId } from '../../domain/task.ts';
import { Git } from '../../workspace/git/git.ts';
import { askToConfirm } from '../ask.ts';
import { EXIT, type Cli } from '../cli.ts';
import { findWorkerPayer } from '../../app/claude/payer.ts';
import { describeNewTasks, formatCallCost } from '../new-tasks-text.ts';
import { fold } from '../fold.ts';
import { interruptible } from '../../app/interrupt.ts';
import { tellIntention } from '../one-off/intention.ts';
import { placeForOneOff, refuseUnusable } from '../../app/do/place.ts';
import {
  findUnfinishedTasks,
  draftRequest,
  readRequest,
  type OneOffOptions,
  type OneOffRequest,
} from '../../app/do/requested-work.ts';
import { onRun, withExamples } from '../command.ts';
import { openProjectStore, type Project } from '../../app/project/project.ts';
import { holdProject, overridesOf, refuseWindows, runHeld } from '../../app/run.ts';
import { addRunOptions, requestOf } from '../run/run-options.ts';
import { exitCodeOf, showRun } from '../run/show-run.ts';
import type { TaskStore } from '../../store/store.ts';
import type { LoadedConfig } from '../../app/config/load-config.ts';
import { loadSettings } from '../../app/project/settings.ts';

/** `do`: the whole job in one command, also in a repository that was never set up. */
export function doCommand(cli: Cli): Command {
  const command = new Command('do')
    .description(
      'Do things in this repository, from a sentence to staged results. Nothing has to be set up, and nothing but the results is written into it.',
    )
    .addArgument(new Argument('[texts...]', 'what is to be done, each text a task; "-" for stdin'))
    .option('-f, --file <file>', 'a requirements document instead, "-" for stdin; may be repeated', collect)
    .option('-y, --yes', 'begin without asking, as is needed without a terminal')
    .option('--raw', 'take each text as typed, without asking the manager to write the task');
  addRunOptions(command);
  withExamples(command, [
    'do "Fix the login" "Add dark mode"',
    'do -f prd.md --workers 5 --max-cost 10',
    'do --yes --json - < task.txt',
  ]);
  return onRun<OneOffOptions>(command, cli, (options, texts) => doOneOff(cli, options, texts));
}

async function doOneOff(cli: Cli, options: OneOffOptions, texts: readonly string[]): Promise<number> {
  refuseWindows(cli);
  checkUsage(options, texts);
  // What is wrong with the request is told first, but for nothing stdin is not waited for.
  const readsStdin = [...texts, ...(options.file ?? [])].includes('-');
  if (readsStdin) refuseToAssume(options, 'stdin holds what is to be done');
  const request = await readRequest(cli, options, texts);
  if (cli.stdin.isTTY !== true || cli.stderr.isTTY !== true) refuseToAssume(options, 'This is no terminal');
  probeDriver();
  const place = placeForOneOff(cli, options);
  const { project } = place;
  const settings = loadSettings(cli, project, overridesOf(requestOf(options)));
  await refuseUnusable(cli, project, settings);
  const payer = await interruptible(cli, 'Nothing was started.', async (signal) => {
    const found = await findWorkerPayer(cli, project, settings, signal);
    await found.recognised;
    return found;
  });
  const continues = await lookForBegun(cli, project, request);
  tellIntention(cli, options, { place, request, continues, settings, payer: payer.payer });
  if (options.yes !== true && !(await askToConfirm(cli, 'Begin?', NOTHING_SPENT)))
    fail('interrupted', `You did not say yes. ${NOTHING_SPENT}`);

  const store = await openProjectStore(project, true);
  const context = { cli, options, project, settings, store };
  try {
    const lock = holdProject(project, store, cli);
    try {
      const { ids, costUsd } = await tasksOf(context, options, request);
      const summary = await runHeld({
        project,
        request: requestOf(options),
        services: cli,
        settings,
        store,
        view: showRun(cli, options),
        only: ids,
        payer,
        spentUsd: costUsd,
      });
      const code = exitCodeOf(cli, { type: 'summary', ...summary });
      if (code !== EXIT.done) tellHowToGoOn(context, ids);
      return code;
    } finally {
      lock.release();
    }
  } finally {
    store.close();
  }
}

const NOTHING_SPENT = 'Nothing was spent, and no task was stored.';

function checkUsage({ file, raw }: OneOffOptions, texts: readonly string[]): void {
  if (file === undefined && texts.length === 0)
    fail(
      'wrong-usage',
      'Nothing is said that is to be done.',
      'Such as: claude-orchestrator do "Fix the login", or do -f prd.md. `claude-orchestrator run` goes on with what is left.',
    );
  if (file !== undefined && texts.length > 0)
    fail('wrong-usage', 'A document and texts cannot be done together.', 'Give one of them.');
  if (file !== undefined && raw === true)
    fail(
      'wrong-usage',
      'A document has to be read by the manager, which --raw forbids.',
      'Leave --raw away, or give the tasks as texts.',
    );
}

/** Nothing is spent without a yes: from a person at a terminal, or from `--yes`. */
function refuseToAssume({ yes }: OneOffOptions, why: string): void {
  if (yes === true) return;
  fail(
    'wrong-usage',
    `${why}, so nobody can be asked whether to begin. Nothing was spent.`,
    'Add --yes, and --max-cost to bound what it may cost.',
  );
}

async function lookForBegun(cli: Cli, project: Project, request: OneOffRequest): Promise<TaskId[] | null> {
  if (!existsSync(project.databaseFile)) return null;
  const store = await openProjectStore(project);
  try {
    return (await findUnfinishedTasks(store, new Git(project.root, cli.env), request)) ?? null;
  } finally {
    store.close();
  }
}

/** The tasks of the request, stored: those that were begun before, or new ones. */
interface Context {
  readonly cli: Cli;
  readonly options: OneOffOptions;
  readonly project: Project;
  readonly settings: LoadedConfig;
  readonly store: TaskStore;
}

async function tasksOf(
  context: Context,
  options: OneOffOptions,
  request: OneOffRequest,
): Promise<{ readonly ids: TaskId[]; readonly costUsd: number }> {
  const { cli, project, store } = context;
  const begun = await findUnfinishedTasks(store, new Git(project.root, cli.env), request);
  if (begun !== undefined) return { ids: begun, costUsd: 0 };
  const { drafts, cost } = await draftRequest({ ...context, services: cli }, options, request);
  const tasks = store.addTasks(drafts, {
    source: request.source,
    documents: request.document?.sources ?? [],
  });
  if (options.json === true) printJson(cli, { type: 'tasks', tasks, ...cost });
  else if (options.quiet !== true) {
    const style = styles(useColor(cli, options));
    const lines = describeNewTasks(true, tasks, { width: stdoutWidth(cli), style });
    if (cost !== null) lines.push(formatCallCost(cost));
    cli.stdout.write(`${fold(cli.stdout, lines).join('\n')}\n`);
  }
  return { ids: tasks.map(({ id }) => id), costUsd: cost?.costUsd ?? 0 };
}

function tellHowToGoOn({ cli, options, store }: Context, ids: readonly TaskId[]): void {
  const open = ids.filter((id) => !isSettled(store.task(id)?.status ?? 'done'));
  if (open.length === 0 || options.json === true) return;
  cli.stderr.write(
    `Go on with \`claude-orchestrator run ${open.join(',')}\` here, or with the same \`do\` again.\n`,
  );
}

function collect(text: string, before: readonly string[] = []): string[] {
  return [...before, text];
}
