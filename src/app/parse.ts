import { fail } from '../domain/failure.ts';
import { redactValue } from '../domain/redact.ts';
import { parentOf, type Task } from '../domain/task.ts';
import { plural } from '../domain/text/format.ts';
import type { SourceDocument, TaskStore } from '../store/store.ts';
import type { ParseReport, ParseRequest } from './contract/parse.ts';
import { readDocument } from './planning/document.ts';
import { ANSWERED, askForTasks, preparePlanning } from './planning/new-tasks.ts';
import { withStore } from './project/open-store.ts';
import type { Project } from './project/project.ts';
import { redactorFor } from './project/redaction.ts';
import type { Services } from './services.ts';

/** Turns a requirements document into tasks, all of them or none. */
export async function parse(
  project: Project,
  request: ParseRequest,
  services: Services,
): Promise<ParseReport> {
  const { files, numTasks, append = false, replace = false, dryRun = false } = request;
  if (append && replace)
    fail('wrong-usage', '--append and --replace contradict each other.', 'Give one of them.');
  if (files.length === 0 && request.reply === undefined)
    fail('wrong-usage', 'No document is named.', 'For example: `parse prd.md`, or `parse -` for stdin.');
  return await withStore(project, async (store) => {
    const before = store.tasks();
    // What is wrong with the files and the configuration comes first: it is there whatever is answered.
    const { text: prd, sources: documents } =
      files.length === 0
        ? { text: ANSWERED, sources: [] }
        : await readDocument(services, request, files, 'the requirements');
    const planning = await preparePlanning(services, project, store, request);
    if (before.length > 0 && !append && !replace)
      refuseKnownDocuments(files, documents, store, before.length);
    const existing = replace ? keptByReplace(before) : before;

    const { drafts, answer } = await askForTasks(planning, {
      ask: (planner, manager, signal) => planner.parsePrd(manager, { prd, existing, numTasks }, signal),
      command: ['parse', ...files, ...(append ? ['--append'] : []), ...(replace ? ['--replace'] : [])],
    });
    if (!dryRun) warnOfNewcomers(services, store, before, replace);
    const source = `parse ${files.join(' ')}`.trim();
    const tasks = dryRun ? drafts : store.addTasks(drafts, { source, replace, documents });
    return redactValue({ stored: !dryRun, tasks, ...answer }, redactorFor(services, project));
  });
}

/** Only a person can say whether a document that tasks were made of already is to replace them or to add to them. */
function refuseKnownDocuments(
  files: readonly string[],
  documents: readonly SourceDocument[],
  store: TaskStore,
  count: number,
): void {
  const known = store.documents();
  const names = documents.flatMap(({ path, digest }, index) => {
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

/** What `replace` keeps: tasks in progress and the groups they belong to, with what they need of each other. */
function keptByReplace(tasks: readonly Task[]): Task[] {
  const groups = new Set(tasks.map(({ id }) => parentOf(id)));
  const working = tasks.filter(({ id, status }) => status === 'in-progress' && !groups.has(id));
  const kept = new Set(working.flatMap(({ id }) => [id, parentOf(id)]));
  return tasks
    .filter(({ id }) => kept.has(id))
    .map((task) => ({ ...task, dependencies: task.dependencies.filter((need) => kept.has(need)) }));
}

/** Nothing that others stored while the manager was asked is lost, but people have to know of it. */
function warnOfNewcomers(
  services: Services,
  store: TaskStore,
  before: readonly Task[],
  replace: boolean,
): void {
  const known = new Set(before.map(({ id }) => id));
  const added = store.tasks().filter(({ id }) => !known.has(id));
  if (added.length === 0) return;
  const consequence = replace ? 'They are replaced too.' : 'The new tasks are added to them.';
  services.tell({
    kind: 'warning',
    message: `${plural(added.length, 'task')} came in meanwhile. ${consequence}`,
  });
}
