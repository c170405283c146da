import { existsSync } from 'node:fs';
import { fail } from '../domain/failure.ts';
import { redactValue } from '../domain/redact.ts';
import { isSettled, type TaskId } from '../domain/task.ts';
import type { RunSummary } from '../reporting/summary.ts';
import { probeDriver } from '../store/driver.ts';
import type { TaskStore } from '../store/store.ts';
import { Git } from '../workspace/git/git.ts';
import { describeBilling, findWorkerPayer, type WorkerPayer } from './claude/payer.ts';
import type { LoadedConfig } from './config/load-config.ts';
import type { DoRequest, Intention, RequestedTasks } from './contract/do.ts';
import { checkPlace, preparePlace, type DoPlace } from './do/place.ts';
import { draftWork, findUnfinishedTasks, readWork, type RequestedWork } from './do/requested-work.ts';
import { interruptible } from './interrupt.ts';
import { openProjectStore } from './project/open-store.ts';
import type { Project, ProjectRequest } from './project/project.ts';
import { redactorFor } from './project/redaction.ts';
import { loadSettings } from './project/settings.ts';
import { holdProject, overridesOf, refuseWindows, runHeld } from './run.ts';
import type { RunView } from './run/job.ts';
import type { Services } from './services.ts';

/** How whoever asked follows what is done. */
export interface DoView extends RunView {
  /** Why nobody can say yes; undefined where somebody can, or has said it already. */
  readonly cannotConfirm: string | undefined;
  /** Shows what is going to be done, and says whether to begin. Nothing was spent until then. */
  readonly confirm: (intention: Intention) => Promise<boolean>;
  /** Shows the tasks that were made of the request. */
  readonly showTasks: (tasks: RequestedTasks) => void;
}

/** How it ended. */
export interface DoReport {
  readonly summary: RunSummary;
  /** The tasks that are left to do. */
  readonly open: readonly TaskId[];
}

/**
 * Does the whole job in one go, from a sentence to delivered results, in a repository that need not be set up: makes
 * tasks of the request and runs them, once whoever asked has said yes.
 */
export async function doWork(
  where: ProjectRequest,
  request: DoRequest,
  services: Services,
  view: DoView,
): Promise<DoReport> {
  refuseWindows(services);
  checkRequest(request);
  // What is wrong with the request is told first, but nobody types it into stdin only to be refused.
  if ([...request.texts, ...request.files].includes('-')) checkConfirmable(view);
  const work = await readWork(services, request);
  checkConfirmable(view);
  probeDriver();
  const place = preparePlace(services, where);
  const { project } = place;
  const settings = loadSettings(services, project, overridesOf(request));
  await checkPlace(services, project, settings);
  const payer = await interruptible(services, 'Nothing was started.', async (signal) => {
    const found = await findWorkerPayer(services, project, settings, signal);
    await found.recognised;
    return found;
  });
  const continues = await findEarlierTasks(services, project, work);
  const intention = intentionOf(request, work, place, settings, payer, continues);
  if (!(await view.confirm(redactValue(intention, redactorFor(services, project)))))
    fail('interrupted', `You did not say yes. ${NOTHING_SPENT}`);

  const store = await openProjectStore(project, true);
  try {
    const lock = holdProject(project, store, services);
    try {
      const job = { project, request, services, settings, store, view, payer };
      const { only, spentUsd } = await storeTasks(job, work);
      const summary = await runHeld({ ...job, only, spentUsd });
      const open = only.filter((id) => !isSettled(store.task(id)?.status ?? 'done'));
      return { summary, open };
    } finally {
      lock.release();
    }
  } finally {
    store.close();
  }
}

/** What is true as long as nobody has said yes. */
export const NOTHING_SPENT = 'Nothing was spent, and no task was stored.';

function checkRequest({ texts, files, raw }: DoRequest): void {
  if (files.length === 0 && texts.length === 0)
    fail(
      'wrong-usage',
      'You did not say what to do.',
      'For example: `claude-orchestrator do "Fix the login"`, or `do -f prd.md`. `claude-orchestrator run` goes on with open tasks.',
    );
  if (files.length > 0 && texts.length > 0)
    fail('wrong-usage', 'A document and texts cannot be done together.', 'Give one of them.');
  if (files.length > 0 && raw === true)
    fail(
      'wrong-usage',
      'A document has to be read by the manager, which --raw forbids.',
      'Leave --raw away, or give the tasks as texts.',
    );
}

/** Nothing is spent unless somebody says yes. */
function checkConfirmable({ cannotConfirm }: DoView): void {
  if (cannotConfirm === undefined) return;
  fail(
    'wrong-usage',
    `${cannotConfirm}, so nobody can be asked whether to begin. Nothing was spent.`,
    'Add --yes, and --max-cost to bound what it may cost.',
  );
}

async function findEarlierTasks(
  services: Services,
  project: Project,
  work: RequestedWork,
): Promise<TaskId[] | undefined> {
  if (!existsSync(project.databaseFile)) return undefined;
  const store = await openProjectStore(project);
  try {
    return await findUnfinishedTasks(store, new Git(project.root, services.env), work);
  } finally {
    store.close();
  }
}

function intentionOf(
  { files, raw = false }: DoRequest,
  { texts, document }: RequestedWork,
  { project, stacks, note }: DoPlace,
  settings: LoadedConfig,
  { payer }: WorkerPayer,
  continues: readonly TaskId[] | undefined,
): Intention {
  const { execution, verify, budget } = settings.config;
  const found = stacks.filter((stack) => stack.verify.some((command) => verify.commands.includes(command)));
  return {
    type: 'intention',
    root: project.root,
    stateFolder: project.stateFolder,
    isOutside: project.isOutside,
    texts: document === undefined ? texts : null,
    files: document === undefined ? null : files,
    raw,
    continues: continues ?? null,
    workers: execution.max_workers,
    verify: verify.commands,
    foundBy: found.map(({ evidence }) => evidence),
    results: resultsOf(settings),
    billing: describeBilling(payer, settings),
    maxCostUsd: budget.max_cost_usd,
    note: note ?? null,
  };
}

function resultsOf({ config: { execution, git } }: LoadedConfig): Intention['results'] {
  if (execution.isolation === 'none') return 'in-place';
  if (git.deliver !== 'checkout') return git.deliver;
  return git.auto_commit ? 'commits' : 'staged';
}

interface DoJob {
  readonly project: Project;
  readonly request: DoRequest;
  readonly services: Services;
  readonly settings: LoadedConfig;
  readonly store: TaskStore;
  readonly view: DoView;
}

/** The tasks of the request, stored: those that were begun before, or new ones; and what planning them has cost. */
async function storeTasks(
  { project, request, services, settings, store, view }: DoJob,
  work: RequestedWork,
): Promise<{ readonly only: readonly TaskId[]; readonly spentUsd: number }> {
  // Looked for again: until the project was held, another one may have stored them.
  const unfinished = await findUnfinishedTasks(store, new Git(project.root, services.env), work);
  if (unfinished !== undefined) return { only: unfinished, spentUsd: 0 };
  const { drafts, answer } = await draftWork({ services, project, settings, store }, request, work);
  const { source, document } = work;
  const tasks = store.addTasks(drafts, { source, documents: document?.sources ?? [] });
  view.showTasks(redactValue({ type: 'tasks', tasks, ...answer }, redactorFor(services, project)));
  return { only: tasks.map(({ id }) => id), spentUsd: answer?.costUsd ?? 0 };
}
