import { setTimeout as delay } from 'node:timers/promises';
import type { Attempt } from '../domain/attempt.ts';
import { fail } from '../domain/failure.ts';
import { isSettled, type TaskId } from '../domain/task.ts';
import type { TaskStore } from '../store/store.ts';
import type { CancelledTask, CancelReport, CancelRequest } from './contract/cancel.ts';
import { findLiveRun } from './project/process-look-up.ts';
import { withStore } from './project/open-store.ts';
import type { Project } from './project/project.ts';
import type { Services } from './services.ts';
import { parseIds, selectTasks, selectWork, type IdRange } from './tasks/ids.ts';

/** How long to wait for a run to end a worker. The worker may need some time to save its session. */
const PATIENCE_MS = 15_000;
const POLL_MS = 50;

/** Cancels tasks, all of them or none. A run that works on them ends their workers and keeps their work. */
export async function cancel(
  project: Project,
  request: CancelRequest,
  services: Services,
): Promise<CancelReport> {
  const ranges = parseIds(request.ids);
  return await withStore(project, async (store) => {
    const { tasks, running } = store.atomically(() => cancelTasks(store, ranges));
    const isLive = running.length > 0 && (await findLiveRun(services, store)) !== undefined;
    if (isLive) await waitForEnds(services, store, running);
    return { cancelled: tasks.map((task) => ({ ...task, ...findRest(store, running, task.id, isLive) })) };
  });
}

function cancelTasks(
  store: TaskStore,
  ranges: readonly IdRange[],
): { tasks: Pick<CancelledTask, 'id' | 'title' | 'from' | 'freed'>[]; running: Attempt[] } {
  const named = selectTasks(store, ranges);
  const work = selectWork(store, named);
  const isNamed = new Set(named);
  const open = work.filter(({ id, status }) => isNamed.has(id) || !isSettled(status));
  const done = (open.length === 0 ? work : open).filter(({ status }) => status === 'done');
  if (done.length > 0) refuseDone(done.map(({ id }) => id));
  const ids = new Set(open.map(({ id }) => id));
  const running = store.attempts({ running: true }).filter(({ taskId }) => ids.has(taskId));
  store.setStatus([...ids], 'cancelled', 'given up by a person');
  const others = store.tasks().filter(({ id, status }) => !ids.has(id) && !isSettled(status));
  const tasks = open.map(({ id, title, status }) => ({
    id,
    title,
    from: status,
    freed: others.filter(({ dependencies }) => dependencies.includes(id)).map((other) => other.id),
  }));
  return { tasks, running };
}

function refuseDone(ids: readonly TaskId[]): never {
  return fail(
    'wrong-usage',
    ids.length === 1
      ? `Task ${ids.join()} is done: its change has landed, and cancelling it would not take it back.`
      : `Tasks ${ids.join(', ')} are done: their changes have landed, and cancelling them would not take them back.`,
    `See what it changed with \`diff ${ids[0] ?? ''}\`; \`git revert\` takes a commit back.`,
  );
}

/** Waits until all attempts have ended, but not after an interrupt and not for too long. */
async function waitForEnds(
  services: Services,
  store: TaskStore,
  attempts: readonly Attempt[],
): Promise<void> {
  const ids = new Set(attempts.map(({ id }) => id));
  const impatient = new AbortController();
  const stopListening = services.onInterrupt(() => impatient.abort());
  const last = Date.now() + PATIENCE_MS;
  try {
    while (Date.now() < last && !impatient.signal.aborted) {
      if (!store.attempts({ running: true }).some(({ id }) => ids.has(id))) return;
      await delay(POLL_MS, undefined, { signal: impatient.signal }).catch(() => undefined);
    }
  } finally {
    stopListening();
  }
}

/** Finds what is left of a task after it was cancelled. */
function findRest(
  store: TaskStore,
  running: readonly Attempt[],
  taskId: TaskId,
  isLive: boolean,
): Pick<CancelledTask, 'to' | 'worker' | 'work'> {
  const to = store.task(taskId)?.status ?? 'cancelled';
  const last = store.attempts({ taskId }).at(-1);
  const wasRunning = running.some((attempt) => attempt.taskId === taskId);
  const worker = !wasRunning ? 'none' : last?.end !== null ? 'ended' : isLive ? 'ending' : 'abandoned';
  if (last === undefined || last.end?.commit != null) return { to, worker, work: null };
  return { to, worker, work: { attempt: last.number, branch: last.branch, directory: last.directory } };
}
