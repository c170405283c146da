import type { Attempt } from '../domain/attempt.ts';
import { fail } from '../domain/failure.ts';
import { OUTCOME_POLICY } from '../domain/outcome.ts';
import type { Task } from '../domain/task.ts';
import type { TaskStore } from '../store/store.ts';
import type { RetriedTask, RetryReport, RetryRequest } from './contract/retry.ts';
import { findLiveRun } from './project/process-look-up.ts';
import { withStore } from './project/open-store.ts';
import type { Project } from './project/project.ts';
import type { Services } from './services.ts';
import { parseIds, selectTasks, selectWork, type IdRange } from './tasks/ids.ts';
import { loadBoard, viewTask } from './tasks/view.ts';

/** Makes tasks pending again, all of them or none. This also works during a run. */
export async function retry(
  project: Project,
  { ids, force = false }: RetryRequest,
  services: Services,
): Promise<RetryReport> {
  const ranges = parseIds(ids);
  return await withStore(project, async (store) => {
    const retried = store.atomically(() => retryTasks(store, ranges, force));
    const run = await findLiveRun(services, store);
    return { retried, run: run?.id ?? null };
  });
}

function retryTasks(store: TaskStore, ranges: readonly IdRange[], force: boolean): RetriedTask[] {
  const named = selectTasks(store, ranges);
  const work = selectWork(store, named);
  refuseRunning(store, work);
  const isNamed = new Set(named);
  // Subtasks of a named group that are done stay done. A task that was named itself is refused if it is done.
  const chosen = work.filter(({ id, status }) => force || isNamed.has(id) || status !== 'done');
  const done = chosen.filter(({ status }) => status === 'done');
  if (!force && (done.length > 0 || chosen.length === 0)) refuseDone(chosen.length === 0 ? work : done);
  const changing = chosen.filter(({ status }) => status !== 'pending').map(({ id }) => id);
  if (changing.length > 0) store.setStatus(changing, 'pending', 'to be tried again, as a person asked');
  const board = loadBoard(store);
  return chosen.map((task) => ({
    id: task.id,
    title: task.title,
    from: task.status,
    to: 'pending',
    ...nextAfter(store.attempts({ taskId: task.id }).at(-1)),
    waitingFor: viewTask(board, task).waitingFor,
  }));
}

function nextAfter(last: Attempt | undefined): Pick<RetriedTask, 'next' | 'sessionId'> {
  if (last?.end == null) return { next: 'first', sessionId: null };
  const { next } = OUTCOME_POLICY[last.end.outcome];
  const resumes = next === 'resume' || next === 'fork';
  return { next: resumes ? 'resume' : 'fresh', sessionId: resumes ? last.sessionId : null };
}

function refuseRunning(store: TaskStore, work: readonly Task[]): void {
  const named = new Set(work.map(({ id }) => id));
  const running = store.attempts({ running: true }).filter(({ taskId }) => named.has(taskId));
  if (running.length === 0) return;
  const ids = [...new Set(running.map(({ taskId }) => taskId))];
  fail(
    'task-needed',
    `${ids.length === 1 ? `Task ${ids.join()} has` : `Tasks ${ids.join(', ')} have`} an attempt that has not ended.`,
    `See it with \`logs ${ids[0] ?? ''} -f\`; to start over, end it with \`cancel ${ids.join(',')}\` first. The next \`run\` continues what a killed run left.`,
  );
}

function refuseDone(tasks: readonly Task[]): never {
  const ids = tasks.map(({ id }) => id).join(', ');
  return fail(
    'wrong-usage',
    tasks.length === 1
      ? `Task ${ids} is done: its change has landed already.`
      : `Tasks ${ids} are done: their changes have landed already.`,
    'With --force a worker does it again, on top of what landed.',
  );
}
