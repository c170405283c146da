import { Failed } from '../../src/domain/failure.ts';
import type { TaskStore } from '../../src/store/store.ts';
import { buildTaskGraph } from '../../src/domain/task-graph.ts';
import {
  compareTaskIds,
  deriveGroupStatus,
  isRunnable,
  isSettled,
  parentOf,
  type TaskDraft,
  type TaskId,
  type TaskStatus,
} from '../../src/domain/task.ts';
import { makeDraft } from './arbitrary-tasks.ts';
import { attemptEnd } from './attempt-end.ts';
import type { DraftShape, Step } from './store-steps.ts';

/** What the model knows of a task. */
interface ModelTask {
  readonly id: TaskId;
  readonly title: string;
  readonly status: TaskStatus;
  readonly dependencies: readonly TaskId[];
}

/** A store in a few maps, with no thought given to speed: what the real one has to agree with. */
export class StoreModel {
  tasks = new Map<TaskId, ModelTask>();
  /** The tasks of open attempts by the attempt's id; a task that was deleted meanwhile has no place here. */
  readonly running = new Map<number, TaskId | undefined>();

  /** Takes a step with both; returns what each of them said about it. */
  step(step: Step, store: TaskStore): { model: string; store: string } {
    const before = this.tasks;
    const model = outcome(() => this.#apply(step, store));
    if (model !== 'ok') this.tasks = before;
    return { model, store: this.#said };
  }

  /** The tasks as `tasks()` has to tell them. */
  snapshot(): ModelTask[] {
    return [...this.tasks.values()].sort((a, b) => compareTaskIds(a.id, b.id));
  }

  #said = '';

  #apply(step: Step, store: TaskStore): void {
    const next = new Map(this.tasks);
    const told = (work: () => unknown): void => void (this.#said = outcome(work));
    switch (step.kind) {
      case 'add': {
        const drafts = this.#drafts(step.drafts);
        told(() => store.addTasks(drafts, { source: 'model' }));
        this.#add(next, drafts);
        break;
      }
      case 'status': {
        const ids = step.at.map((n) => this.#pick(n));
        told(() => store.setStatus(ids, step.status, 'model'));
        for (const id of ids) requireTask(next, id);
        for (const id of new Set(ids)) setStatus(next, id, step.status);
        break;
      }
      case 'edit': {
        const id = this.#pick(step.at);
        told(() => store.editTask(id, { title: step.title }));
        const task = requireTask(next, id);
        if (step.title.trim() === '') throw new Error('plan-invalid');
        next.set(id, { ...task, title: step.title });
        break;
      }
      case 'delete': {
        const ids = step.at.map((n) => this.#pick(n));
        told(() => store.deleteTasks(ids, { force: step.force }));
        this.#delete(next, ids, step.force);
        break;
      }
      case 'depend':
      case 'undepend': {
        const [id, on] = [this.#pick(step.at), this.#pick(step.on)];
        told(() => (step.kind === 'depend' ? store.addDependency(id, on) : store.removeDependency(id, on)));
        const task = requireTask(next, id);
        requireTask(next, on);
        const others = task.dependencies.filter((need) => need !== on);
        next.set(id, {
          ...task,
          dependencies: step.kind === 'depend' ? [...others, on].sort(compareTaskIds) : others,
        });
        checkGraph(next);
        break;
      }
      case 'claim': {
        const taskId = this.#pick(step.at);
        const claim = {
          runId: 'run',
          taskId,
          sessionId: 's',
          resumed: false,
          model: 'm',
          directory: '/',
          filesRoot: '/',
          why: '',
        };
        told(() => {
          const claimed = store.claim(claim);
          if (claimed === undefined) throw new Error('not claimed');
          this.running.set(claimed.attempt.id, taskId);
        });
        const task = next.get(taskId);
        if (task === undefined || !isRunnable(task.status) || subtasksOf(next, taskId).length > 0)
          throw new Error('not claimed');
        next.set(taskId, { ...task, status: 'in-progress' });
        break;
      }
      case 'end': {
        const [attemptId, taskId] = [...this.running][step.at % Math.max(1, this.running.size)] ?? [0];
        if (attemptId === 0) {
          told(() => undefined);
          return;
        }
        told(() => store.endAttempt(attemptId, attemptEnd('crashed'), step.status, 'model'));
        this.running.delete(attemptId);
        const task = taskId === undefined ? undefined : next.get(taskId);
        if (task === undefined || subtasksOf(next, task.id).length > 0) break;
        const isOpen = task.status === 'in-progress' || task.status === 'review';
        if (isOpen || isSettled(step.status)) next.set(task.id, { ...task, status: step.status });
      }
    }
    follow(next, this.tasks);
    this.tasks = next;
  }

  /** Mostly sound: under parents that are there, needing what is there; now and then not. */
  #drafts(shapes: readonly DraftShape[]): TaskDraft[] {
    const ids: TaskId[] = [];
    const stored = [...this.tasks.keys()];
    for (const { at: place, sub } of shapes) {
      const parents = [...ids, ...stored].filter((id) => parentOf(id) === undefined);
      const parent = parents[place % (parents.length + 1)];
      ids.push(sub === 0 || parent === undefined ? String((place % 9) + 1) : `${parent}.${sub}`);
    }
    return ids.map((id, index) => {
      const known = [...ids.slice(0, index), ...stored];
      const needs =
        shapes[index]?.needs.map((n) => (n === 57 ? '99' : (known[n % known.length] ?? id))) ?? [];
      return makeDraft(id, { dependencies: known.length === 0 ? [] : needs });
    });
  }

  #pick(n: number): TaskId {
    const ids = this.snapshot().map(({ id }) => id);
    return n === 57 ? '99' : (ids[n % ids.length] ?? '99');
  }

  #add(next: Map<TaskId, ModelTask>, drafts: readonly TaskDraft[]): void {
    if (new Set(drafts.map(({ id }) => id)).size < drafts.length) throw new Error('plan-invalid');
    const ids = [...drafts].map(({ id }) => id).sort(compareTaskIds);
    const renamed = new Map<TaskId, TaskId>();
    const tops = ids.filter((id) => parentOf(id) === undefined);
    const last = Math.max(0, ...[...next.keys()].map((id) => Number.parseInt(id, 10)));
    const isAnyTaken = tops.some((id) => next.has(id));
    for (const [index, id] of tops.entries()) renamed.set(id, isAnyTaken ? String(last + index + 1) : id);
    for (const parent of new Set(ids.map(parentOf))) {
      if (parent === undefined) continue;
      const own = ids.filter((id) => parentOf(id) === parent);
      const newParent = renamed.get(parent) ?? parent;
      const there = subtasksOf(next, newParent).map(({ id }) => Number(id.split('.')[1]));
      const isTaken = own.some((id) => next.has(`${newParent}.${id.split('.')[1] ?? ''}`));
      for (const [index, id] of own.entries()) {
        const sub = isTaken ? Math.max(...there) + index + 1 : id.split('.')[1];
        renamed.set(id, `${newParent}.${sub ?? ''}`);
      }
    }
    for (const { id, title, dependencies } of drafts) {
      const stored = renamed.get(id) ?? id;
      const needs = [...new Set(dependencies.map((need) => renamed.get(need) ?? need))].sort(compareTaskIds);
      next.set(stored, { id: stored, title, status: 'pending', dependencies: needs });
    }
    checkGraph(next);
    const grouped = new Set(drafts.map(({ id }) => parentOf(renamed.get(id) ?? id)));
    if ([...this.running.values()].some((id) => id !== undefined && grouped.has(id)))
      throw new Error('plan-invalid');
  }

  #delete(next: Map<TaskId, ModelTask>, ids: readonly TaskId[], force: boolean): void {
    for (const id of ids) requireTask(next, id);
    const gone = new Set(
      [...next.keys()].filter((id) => ids.includes(id) || ids.includes(parentOf(id) ?? '')),
    );
    for (const id of gone) next.delete(id);
    for (const task of next.values()) {
      const kept = task.dependencies.filter((need) => !gone.has(need));
      if (kept.length < task.dependencies.length && !force) throw new Error('task-needed');
      next.set(task.id, { ...task, dependencies: kept });
    }
    for (const [attemptId, taskId] of this.running) {
      if (taskId !== undefined && gone.has(taskId)) this.running.set(attemptId, undefined);
    }
  }
}

function outcome(work: () => unknown): string {
  try {
    work();
    return 'ok';
  } catch (error) {
    if (error instanceof Failed) return error.failure.reason;
    if (error instanceof Error && /^[a-z -]+$/.test(error.message)) return error.message;
    throw error;
  }
}

function requireTask(tasks: ReadonlyMap<TaskId, ModelTask>, id: TaskId): ModelTask {
  const task = tasks.get(id);
  if (task === undefined) throw new Error('task-not-found');
  return task;
}

function checkGraph(tasks: ReadonlyMap<TaskId, ModelTask>): void {
  const graph = buildTaskGraph([...tasks.values()]);
  if (graph.ok) return;
  const isCycle = graph.error.every(({ kind }) => kind === 'cycle' || kind === 'self-dependency');
  throw new Error(isCycle ? 'dependency-cycle' : 'plan-invalid');
}

function subtasksOf(tasks: ReadonlyMap<TaskId, ModelTask>, id: TaskId): ModelTask[] {
  return [...tasks.values()].filter((task) => parentOf(task.id) === id);
}

function setStatus(tasks: Map<TaskId, ModelTask>, id: TaskId, to: TaskStatus): void {
  const subtasks = subtasksOf(tasks, id);
  for (const subtask of subtasks) {
    const goesDown =
      to === 'done' ||
      to === 'cancelled' ||
      to === 'pending' ||
      (to === 'deferred' && !isSettled(subtask.status));
    if (goesDown) tasks.set(subtask.id, { ...subtask, status: to });
  }
  tasks.set(id, { ...requireTask(tasks, id), status: to });
}

/** Every group follows its subtasks, and one that has lost them all is not in progress any more. */
function follow(tasks: Map<TaskId, ModelTask>, before: ReadonlyMap<TaskId, ModelTask>): void {
  for (const task of [...tasks.values()]) {
    const subtasks = subtasksOf(tasks, task.id);
    const wasGroup = subtasksOf(before, task.id).length > 0;
    if (subtasks.length > 0) {
      const derived = deriveGroupStatus(subtasks.map(({ status: own }) => own));
      tasks.set(task.id, { ...task, status: derived ?? task.status });
    } else if (wasGroup && task.status === 'in-progress') {
      tasks.set(task.id, { ...task, status: 'pending' });
    }
  }
}
