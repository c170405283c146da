import { fail } from '../domain/failure.ts';
import { redactValue } from '../domain/redact.ts';
import { parentOf, type Task, type TaskId } from '../domain/task.ts';
import type { ExpandReport, ExpandRequest } from './contract/expand.ts';
import { askForTasks, preparePlanning } from './planning/new-tasks.ts';
import { withStore } from './project/open-store.ts';
import type { Project } from './project/project.ts';
import { redactorFor } from './project/redaction.ts';
import type { Services } from './services.ts';
import { parseId } from './tasks/ids.ts';

/** Breaks a task down into subtasks, all of them or none. */
export async function expand(
  project: Project,
  request: ExpandRequest,
  services: Services,
): Promise<ExpandReport> {
  const { num, prompt, research = false, force = false, dryRun = false } = request;
  const id = parseId(request.id);
  return await withStore(project, async (store) => {
    const tasks = store.tasks();
    const task = tasks.find((each) => each.id === id);
    if (task === undefined)
      fail('task-not-found', `There is no task ${id}.`, '`list --with-subtasks` shows every id.');
    const replace = findReplaceable(task, tasks, force);
    const existing = tasks.filter((each) => !replace.includes(each.id));

    const planning = await preparePlanning(services, project, store, request);
    const { drafts, sources, answer } = await askForTasks(planning, {
      ask: (planner, manager, signal) =>
        planner.expandTask(manager, { task, existing, num, research, prompt }, signal),
      command: ['expand', id, ...(force ? ['--force'] : [])],
    });
    const subtasks = dryRun ? drafts : store.addTasks(drafts, { source: `expand ${id}`, replace });
    return redactValue({ stored: !dryRun, id, subtasks, sources, ...answer }, redactorFor(services, project));
  });
}

/** The subtasks that the new ones replace. Throws `Failed` where the task may not be expanded. */
function findReplaceable(task: Task, tasks: readonly Task[], force: boolean): TaskId[] {
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
