import { fail } from '../domain/failure.ts';
import { redactValue } from '../domain/redact.ts';
import { compareTaskIds, nextTaskId, type TaskDraft } from '../domain/task.ts';
import type { TaskStore } from '../store/store.ts';
import type { AddReport, AddRequest } from './contract/add.ts';
import { readDocument } from './planning/document.ts';
import { ANSWERED, askForTasks, draftAsTyped, preparePlanning, type NewTasks } from './planning/new-tasks.ts';
import { withStore } from './project/open-store.ts';
import type { Project } from './project/project.ts';
import { redactorFor } from './project/redaction.ts';
import type { Services } from './services.ts';
import { parseIds, selectTasks } from './tasks/ids.ts';

/** Adds one task: as the manager writes it, or as a person did. */
export async function add(project: Project, request: AddRequest, services: Services): Promise<AddReport> {
  const { priority, dependsOn, dryRun = false } = request;
  return await withStore(project, async (store) => {
    const given = dependsOn === undefined ? [] : selectTasks(store, parseIds([dependsOn]));
    const { draft, source, answer } = await draftOf(project, request, services, store);
    const dependencies = [...new Set([...draft.dependencies, ...given])].sort(compareTaskIds);
    const whole = { ...draft, priority: priority ?? draft.priority, dependencies };
    const [task = whole] = dryRun ? [] : store.addTasks([whole], { source });
    return redactValue({ stored: !dryRun, task, ...answer }, redactorFor(services, project));
  });
}

interface Drafted {
  readonly draft: TaskDraft;
  readonly source: string;
  /** Undefined where nobody was asked. */
  readonly answer?: NewTasks['answer'];
}

async function draftOf(
  project: Project,
  request: AddRequest,
  services: Services,
  store: TaskStore,
): Promise<Drafted> {
  const { raw = false, reply } = request;
  const existing = store.tasks();
  const text =
    request.text === '-' ? (await readDocument(services, request, ['-'], 'the task')).text : request.text;
  const isEmpty = text.trim() === '';
  if (isEmpty && (raw || reply === undefined))
    fail('wrong-usage', 'The task is empty.', 'Say what is to be done.');
  if (raw) return { draft: draftAsTyped(nextTaskId(existing), text), source: 'add --raw' };

  const planning = await preparePlanning(services, project, store, request);
  const { drafts, answer } = await askForTasks(planning, {
    ask: (planner, manager, signal) =>
      planner.writeTask(manager, { text: isEmpty ? ANSWERED : text, existing }, signal),
    command: [
      'add',
      ...optionOf('--priority', request.priority),
      ...optionOf('--depends-on', request.dependsOn),
    ],
  });
  const [draft] = drafts;
  if (draft === undefined) throw new Error('Internal error: the manager wrote no task, and none was missed.');
  return { draft, source: 'add', answer };
}

function optionOf(name: string, value: string | undefined): string[] {
  return value === undefined ? [] : [name, value];
}
