import { Failed } from '../../domain/failure.ts';
import type { Manager } from '../../manager/manager.ts';
import {
  deserializePlan,
  hashPlanInputs,
  planRun,
  serializePlan,
  type PlannedTask,
} from '../../manager/planning/plan-run.ts';
import { neutralise } from '../../domain/text/display-text.ts';
import type { TaskStore } from '../../store/store.ts';
import { isSettled, parentOf, type Task } from '../../domain/task.ts';

/** Where a plan came from: a manager call, the plan cache, or the stored tasks alone. */
export type PlanSource = 'manager' | 'cache' | 'stored';

/**
 * Adds estimates, touched paths, risks and missing dependencies to the open tasks in the store: from a plan that was
 * cached, else from the manager. If that goes wrong, `warn` is told and the stored tasks stay as they are; only an
 * interrupt and a store that cannot be used fail.
 *
 * `model` is the name under which plans are cached.
 */
export async function planTasks(
  store: TaskStore,
  model: string,
  openManager: () => Promise<Manager>,
  signal: AbortSignal,
  warn: (message: string) => void,
): Promise<PlanSource> {
  const tasks = store.tasks();
  const key = hashPlanInputs(tasks, model);
  const cached = deserializePlan(store.cachedPlan(key) ?? '');
  if (cached !== undefined && covers(cached, tasks)) {
    savePlan(store, cached, warn);
    return 'cache';
  }
  try {
    const planned = await planRun(await openManager(), tasks, signal);
    if (!planned.ok) throw new Failed(planned.error.failure);
    const { source, tasks: plan, warning, notes } = planned.value;
    for (const note of notes) warn(`The plan was mended: ${neutralise(note)}`);
    if (warning !== null) warn(warning);
    if (source === 'stored') return 'stored';
    store.cachePlan(key, serializePlan(plan));
    savePlan(store, plan, warn);
    // The key depends on dependencies, and the plan has just added some.
    store.cachePlan(hashPlanInputs(store.tasks(), model), serializePlan(plan));
    return 'manager';
  } catch (error) {
    if (!(error instanceof Failed) || signal.aborted || error.failure.reason === 'store-unusable')
      throw error;
    warn(`The stored tasks are used as they are, since the manager could not be asked: ${error.message}`);
    return 'stored';
  }
}

/** Whether some open task has neither size nor estimate. */
export function lacksEstimates(tasks: readonly Task[]): boolean {
  return openLeaves(tasks).some(({ size, estimateMinutes }) => size === null && estimateMinutes === null);
}

function covers(plan: readonly PlannedTask[], tasks: readonly Task[]): boolean {
  const planned = new Set(plan.map(({ id }) => id));
  return openLeaves(tasks).every(({ id }) => planned.has(id));
}

function openLeaves(tasks: readonly Task[]): Task[] {
  const groups = new Set(tasks.map(({ id }) => parentOf(id)));
  return tasks.filter(({ id, status }) => !groups.has(id) && !isSettled(status));
}

function savePlan(store: TaskStore, plan: readonly PlannedTask[], warn: (message: string) => void): void {
  store.savePlan(
    plan.map(({ id, size, estimateMinutes, touches, risk }) => ({
      id,
      size,
      estimateMinutes,
      touches,
      risk,
    })),
  );
  for (const { id, dependencies } of plan) {
    for (const need of dependencies) {
      try {
        store.addDependency(id, need);
      } catch (error) {
        // A person deleted or changed the task meanwhile, which wins over the plan.
        if (!(error instanceof Failed) || error.failure.reason === 'store-unusable') throw error;
        warn(`The plan's dependency of ${id} on ${need} was left out: ${neutralise(error.message)}`);
      }
    }
  }
}
