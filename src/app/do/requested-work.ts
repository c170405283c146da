import { createHash } from 'node:crypto';
import type { Attempt } from '../../domain/attempt.ts';
import { fail } from '../../domain/failure.ts';
import { truncate } from '../../domain/text/display-text.ts';
import type { TaskStore } from '../../store/store.ts';
import { isSettled, nextTaskId, type TaskId } from '../../domain/task.ts';
import type { Git } from '../../workspace/git/git.ts';
import type { Services } from '../services.ts';
import { readDocument, type Document } from '../planning/document.ts';
import { askForTasks, draftAsTyped, type NewTasks, type Planning } from '../planning/new-tasks.ts';
import type { DoRequest } from '../contract/do.ts';

/** What is to be done: some texts, each of which is a task, or a requirements document. */
export interface RequestedWork {
  readonly texts: readonly string[];
  readonly document: Document | undefined;
  /** What its tasks are stored under; the same request has the same one. */
  readonly source: string;
}

/** Reads what is to be done; throws `Failed` for what is nothing or cannot be read. */
export async function readWork(services: Services, request: DoRequest): Promise<RequestedWork> {
  const { files, texts } = request;
  if (files.length > 0) {
    const document = await readDocument(services, request, files, 'the requirements');
    return { texts: [], document, source: sourceOf(`do -f ${files.join(' -f ')}`, [document.text]) };
  }
  if (texts.filter((text) => text === '-').length > 1)
    fail('wrong-usage', 'stdin ("-") can be read only once.', 'Name "-" a single time.');
  const read: string[] = [];
  for (const text of texts)
    read.push(text === '-' ? (await readDocument(services, request, ['-'], 'the task')).text : text);
  if (read.some((text) => text.trim() === ''))
    fail('wrong-usage', 'A task is empty.', 'Say what is to be done, or leave it out.');
  const named = read.map((text) => JSON.stringify(text.trim().split('\n', 1)[0])).join(' ');
  return { texts: read, document: undefined, source: sourceOf(`do ${named}`, read) };
}

/**
 * The tasks that the same request has made before, unless all of them are done. Undefined where there are none, and
 * where what is done of them landed in a repository that was here before this one.
 */
export async function findUnfinishedTasks(
  store: TaskStore,
  git: Git,
  { source }: Pick<RequestedWork, 'source'>,
): Promise<TaskId[] | undefined> {
  const added = store
    .events({ types: ['tasks-added'] })
    .findLast((event) => event.type === 'tasks-added' && event.source === source);
  if (added?.type !== 'tasks-added') return undefined;
  const there = added.taskIds.filter((id) => store.task(id) !== undefined);
  if (!there.some((id) => !isSettled(store.task(id)?.status ?? 'done'))) return undefined;
  const landings = there.flatMap((id) => store.attempts({ taskId: id }).flatMap(landingOf));
  const found = await Promise.all(landings.map((commit) => git.commitAt(commit)));
  return found.includes(undefined) ? undefined : there;
}

function landingOf({ landing, end }: Attempt): string[] {
  return landing !== null && end?.outcome === 'landed' ? [landing] : [];
}

/** The work as tasks, by one question to the manager, or as typed with `raw`. */
export async function draftWork(
  planning: Planning,
  { raw = false }: DoRequest,
  { texts, document }: RequestedWork,
): Promise<Pick<NewTasks, 'drafts'> & Partial<Pick<NewTasks, 'answer'>>> {
  const existing = planning.store.tasks();
  if (raw) {
    const first = Number(nextTaskId(existing));
    return { drafts: texts.map((text, index) => draftAsTyped(String(first + index), text)) };
  }
  return await askForTasks(planning, {
    ask: (planner, manager, signal) =>
      document === undefined
        ? planner.writeTasks(manager, { texts, existing }, signal)
        : planner.parsePrd(manager, { prd: document.text, existing }, signal),
    // The reply about one task has another form than that about several.
    command: texts.length === 1 ? ['add'] : ['parse', '--append'],
  });
}

const SOURCE_LENGTH = 80;

/** Tells people what it was; the digest tells whether a later request is the same. */
function sourceOf(command: string, contents: readonly string[]): string {
  const digest = createHash('sha256').update(JSON.stringify(contents)).digest('hex').slice(0, 8);
  return `${truncate(command, SOURCE_LENGTH)} #${digest}`;
}
