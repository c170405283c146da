import { printJson } from '../cli/print.ts';
import { existsSync } from 'node:fs';
import { Failed, fail } from '../domain/failure.ts';
import { neutralise } from '../domain/text/display-text.ts';
import { acquireRunLock } from '../store/run-lock.ts';
import { bringBack, readCopy } from '../store/store-copies.ts';
import type { TaskStore } from '../store/store.ts';
import { isSettled, type TaskId } from '../domain/task.ts';
import { Git } from '../workspace/git/git.ts';
import type { Cli } from '../cli/cli.ts';
import { copiesOf, copyNotice, describeCopy, type KnownCopy } from './project/lost-store.ts';
import { type CommonOptions } from '../cli/command.ts';
import { processLookUp } from './project/process-look-up.ts';
import { openProjectStore, type Project } from './project/project.ts';
import { integrationTips } from './repository/repository.ts';

/** How `recover store` is asked. */
export interface RecoverStoreOptions extends CommonOptions {
  readonly dryRun?: boolean;
  readonly replace?: boolean;
}

/** What has landed in git and is open in a list that is older. */
interface Landed {
  readonly taskId: TaskId;
  readonly title: string;
  readonly commit: string;
}

/** `recover store [N]`: brings a copy of the task list back, the newest one if none is named. */
export async function recoverStore(
  cli: Cli,
  options: RecoverStoreOptions,
  project: Project,
  name: string | undefined,
): Promise<void> {
  const copies = copiesOf(project);
  const chosen = choose(project, copies, name);
  const isThere = existsSync(project.databaseFile);
  if (options.dryRun === true) {
    if (options.json === true)
      printJson(cli, {
        copies: copies.map(toJson),
        chosen: chosen.file,
        restored: false,
        store: project.databaseFile,
        isThere,
      });
    else cli.stdout.write(describeCopies(project, copies, chosen, isThere));
    return;
  }
  if (isThere && options.replace !== true) refuseToReplace(project, chosen);
  await refuseBesideRun(cli, chosen);
  const aside = bring(project, chosen, options.replace === true);
  const store = await openProjectStore(project);
  try {
    const landed = await landedSince(cli, project, store);
    if (options.json === true)
      printJson(cli, {
        copies: copies.map(toJson),
        chosen: chosen.file,
        restored: true,
        store: project.databaseFile,
        aside,
        landed,
      });
    else if (options.quiet !== true) cli.stdout.write(describeRestored(project, chosen, aside, landed));
  } finally {
    store.close();
  }
}

function choose(project: Project, copies: readonly KnownCopy[], name: string | undefined): KnownCopy {
  const readable = copies.filter(({ content }) => content !== null);
  if (copies.length === 0) {
    const elsewhere = copyNotice(project);
    fail(
      'no-project',
      `No copy of the task list of ${project.root} is kept. ${elsewhere?.message ?? ''}`.trim(),
      elsewhere?.fix ?? 'One is made whenever tasks are added, and when a run begins and ends.',
    );
  }
  if (name === undefined) {
    // An empty list that was begun by mistake is not what anybody misses.
    const chosen = readable.find(({ content }) => content !== null && content.tasks > 0) ?? readable[0];
    return chosen ?? fail('store-unusable', 'None of the copies of the task list can be read.', LOOK);
  }
  const copy = copies[Number(name) - 1];
  if (copy === undefined || !/^\d+$/.test(name))
    return fail(
      'wrong-usage',
      `${JSON.stringify(name)}: there is no such copy, only 1 to ${copies.length}.`,
      LOOK,
    );
  return copy.content === null ? fail('store-unusable', `The copy ${copy.file} cannot be read.`, LOOK) : copy;
}

const LOOK = '`claude-orchestrator recover store --dry-run` shows what there is.';

function refuseToReplace({ databaseFile }: Project, chosen: KnownCopy): void {
  const content = readCopy(databaseFile);
  const what =
    content === undefined
      ? 'one that cannot be read'
      : `one with ${content.tasks === 1 ? '1 task' : `${content.tasks} tasks`}`;
  fail(
    'wrong-usage',
    `There is a task store at ${databaseFile}, ${what}; it was not touched.`,
    `\`claude-orchestrator recover store --replace\` puts it aside and brings back the copy ${describeCopy(chosen)}.`,
  );
}

/** An orchestrator whose store was deleted works on, and keeps a copy at its end that holds all it has done. */
async function refuseBesideRun(cli: Cli, { content }: KnownCopy): Promise<void> {
  const run = content?.openRun ?? null;
  if (run === null) return;
  const isAlive = await processLookUp(cli);
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
    return bringBack(copy, databaseFile, new Date().toISOString(), replace);
  } catch (error) {
    if (error instanceof Failed) throw error;
    return fail(
      'file-unwritable',
      `The copy could not be put at ${databaseFile}: ${error instanceof Error ? error.message : String(error)}.`,
      `Nothing was replaced; the copy is ${copy.file}.`,
    );
  } finally {
    lock.release();
  }
}

/** Tasks that landed after the copy was made: git knows them, and the list that was brought back does not. */
async function landedSince(cli: Cli, project: Project, store: TaskStore): Promise<Landed[]> {
  const git = new Git(project.root, cli.env);
  const format =
    '--format=%H %(trailers:key=Orchestrator-Task,valueonly,separator=%x20) %(trailers:key=Orchestrator-Run,valueonly,separator=%x20)';
  const found = new Map<TaskId, Landed>();
  for (const tip of await integrationTips(git).catch(() => [])) {
    const log = await git.attempt(['log', '--grep=^Orchestrator-Attempt: ', format, tip]);
    for (const line of log.exitCode === 0 ? log.stdout.split('\n') : []) {
      const [commit = '', taskId = '', runId = ''] = line.split(' ');
      const task = store.task(taskId);
      if (task === undefined || isSettled(task.status) || found.has(taskId)) continue;
      // What the list knows of, and was opened again by a person, is not news.
      if (store.run(runId)?.endedAt != null) continue;
      found.set(taskId, { taskId, title: task.title, commit });
    }
  }
  return [...found.values()];
}

function describeRestored(
  { databaseFile }: Project,
  copy: KnownCopy,
  aside: string | null,
  landed: readonly Landed[],
): string {
  const lines = [`${databaseFile} is back: the copy ${describeCopy(copy)}.`];
  if (aside !== null) lines.push(`What was there is kept as ${aside}.`);
  if (landed.length > 0) {
    lines.push('These have landed since that copy was made, and are open in it:');
    for (const { taskId, title, commit } of landed)
      lines.push(`  ${taskId}  ${neutralise(title)} (${commit.slice(0, 12)})`);
    lines.push(
      `Look at them with \`git show\`, then settle them: \`claude-orchestrator set-status ${landed.map(({ taskId }) => taskId).join(',')} done\``,
    );
  }
  lines.push('What was kept of work that has not landed: `claude-orchestrator recover list`');
  return `${lines.join('\n')}\n`;
}

function describeCopies(
  { databaseFile }: Project,
  copies: readonly KnownCopy[],
  chosen: KnownCopy,
  isThere: boolean,
): string {
  const lines = copies.map(
    (copy, index) =>
      `${copy.file === chosen.file ? '→' : ' '} ${index + 1}  ${describeCopy(copy)}\n     ${copy.file}`,
  );
  const how = isThere
    ? `There is a store at ${databaseFile}: with --replace it is put aside first.`
    : `There is no store at ${databaseFile}.`;
  return `${lines.join('\n')}\n\n${how} Nothing was changed; without --dry-run the marked copy is brought back.\n`;
}

function toJson({ file, takenAt, content }: KnownCopy): Record<string, unknown> {
  return {
    file,
    takenAt,
    tasks: content?.tasks ?? null,
    done: content?.done ?? null,
    attempts: content?.attempts ?? null,
  };
}
