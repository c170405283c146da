import { existsSync } from 'node:fs';
import { fail, Failed, messageOf } from '../domain/failure.ts';
import { redactValue } from '../domain/redact.ts';
import { isSettled, type TaskId } from '../domain/task.ts';
import { plural } from '../domain/text/format.ts';
import { acquireRunLock } from '../store/run-lock.ts';
import { restoreCopy, readCopy } from '../store/store-copies.ts';
import type { TaskStore } from '../store/store.ts';
import { Git } from '../workspace/git/git.ts';
import type { RecoverStoreReport, RecoverStoreRequest } from './contract/recover.ts';
import { copiesOf, copyNotice, describeCopy, type KnownCopy } from './project/lost-store.ts';
import { processLookUp } from './project/process-look-up.ts';
import { withStore } from './project/open-store.ts';
import type { Project } from './project/project.ts';
import { redactorFor } from './project/redaction.ts';
import { integrationTips } from './repository/repository.ts';
import type { Services } from './services.ts';

type Landed = RecoverStoreReport['landed'][number];

/** Brings a copy of the task list back, the newest one if none is named; with `dryRun` it only tells which. */
export async function recoverStore(
  project: Project,
  { copy, dryRun, replace }: RecoverStoreRequest,
  services: Services,
): Promise<RecoverStoreReport> {
  const copies = copiesOf(project);
  const chosen = choose(project, copies, copy);
  const isThere = existsSync(project.databaseFile);
  const found = {
    copies: copies.map(({ file, takenAt, tasks, done, attempts }) => ({
      file,
      takenAt,
      tasks,
      done,
      attempts,
    })),
    chosen: chosen.file,
    store: project.databaseFile,
    isThere,
  };
  if (dryRun === true) return { ...found, restored: false, aside: null, landed: [] };
  if (isThere && replace !== true) refuseToReplace(project, chosen);
  await refuseBesideRun(services, chosen);
  const aside = bring(project, chosen, replace === true);
  const landed = await withStore(project, (store) => landedSince(services, project, store));
  return { ...found, restored: true, aside, landed: redactValue(landed, redactorFor(services, project)) };
}

function choose(project: Project, copies: readonly KnownCopy[], name: string | undefined): KnownCopy {
  const readable = copies.filter(({ tasks }) => tasks !== null);
  if (copies.length === 0) {
    const elsewhere = copyNotice(project);
    fail(
      'no-project',
      `No copy of the task list of ${project.root} is kept. ${elsewhere?.message ?? ''}`.trim(),
      elsewhere?.fix ?? 'One is made whenever tasks are added, and when a run begins and ends.',
    );
  }
  if (name === undefined) {
    // Nobody misses an empty list that was made by mistake.
    const chosen = readable.find(({ tasks }) => tasks !== 0) ?? readable[0];
    return chosen ?? fail('store-unusable', 'None of the copies of the task list can be read.', LOOK);
  }
  const copy = copies[Number(name) - 1];
  if (copy === undefined || !/^\d+$/.test(name))
    return fail(
      'wrong-usage',
      `${JSON.stringify(name)}: there is no such copy, only 1 to ${copies.length}.`,
      LOOK,
    );
  return copy.tasks === null ? fail('store-unusable', `The copy ${copy.file} cannot be read.`, LOOK) : copy;
}

const LOOK = '`claude-orchestrator recover store --dry-run` shows what there is.';

function refuseToReplace({ databaseFile }: Project, chosen: KnownCopy): void {
  const content = readCopy(databaseFile);
  const what =
    content === undefined ? 'one that cannot be read' : `one with ${plural(content.tasks, 'task')}`;
  fail(
    'wrong-usage',
    `There is a task store at ${databaseFile}, ${what}; it was not touched.`,
    `\`claude-orchestrator recover store --replace\` puts it aside and brings back the copy ${describeCopy(chosen)}.`,
  );
}

/** A run whose store was deleted goes on, and at its end it keeps a copy with all that it has done. */
async function refuseBesideRun(services: Services, { openRun: run }: KnownCopy): Promise<void> {
  if (run === null) return;
  const isAlive = await processLookUp(services);
  if (isAlive({ pid: run.pid, startTime: run.startTime }))
    fail(
      'run-in-progress',
      `Run ${run.id} still works, in process ${run.pid}, on the list that this copy was made of.`,
      `At its end it keeps a copy with all it has done: wait for that, or end it with \`kill -INT ${run.pid}\`, then bring the copy back.`,
    );
}

function bring({ databaseFile, stateFolder }: Project, copy: KnownCopy, replace: boolean): string | null {
  const lock = existsSync(stateFolder)
    ? acquireRunLock(`${databaseFile}-run-lock`)
    : { release: () => undefined };
  if (lock === undefined)
    return fail(
      'run-in-progress',
      'A run works on this list.',
      'Wait for its end; `status --watch` shows it.',
    );
  try {
    return restoreCopy(copy, databaseFile, new Date().toISOString(), replace);
  } catch (error) {
    if (error instanceof Failed) throw error;
    return fail(
      'file-unwritable',
      `The copy could not be put at ${databaseFile}: ${messageOf(error)}.`,
      `Nothing was replaced; the copy is ${copy.file}.`,
    );
  } finally {
    lock.release();
  }
}

/** Tasks that landed after the copy was made: git knows them, and the list that was brought back does not. */
async function landedSince(services: Services, project: Project, store: TaskStore): Promise<Landed[]> {
  const git = new Git(project.root, services.env);
  const format =
    '--format=%H %(trailers:key=Orchestrator-Task,valueonly,separator=%x20) %(trailers:key=Orchestrator-Run,valueonly,separator=%x20)';
  const found = new Map<TaskId, Landed>();
  for (const tip of await integrationTips(git).catch(() => [])) {
    const log = await git.attempt(['log', '--grep=^Orchestrator-Attempt: ', format, tip]);
    for (const line of log.exitCode === 0 ? log.stdout.split('\n') : []) {
      const [commit = '', taskId = '', runId = ''] = line.split(' ');
      const task = store.task(taskId);
      if (task === undefined || isSettled(task.status) || found.has(taskId)) continue;
      // The list knows of this one: a person has opened it again.
      if (store.run(runId)?.endedAt != null) continue;
      found.set(taskId, { taskId, title: task.title, commit });
    }
  }
  return [...found.values()];
}
