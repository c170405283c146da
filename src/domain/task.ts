/** Every stored status of a task. "Blocked" is derived from dependencies and never stored. */
export const TASK_STATUSES = [
  'pending',
  'in-progress',
  'review',
  'done',
  'failed',
  'deferred',
  'cancelled',
] as const;
export type TaskStatus = (typeof TASK_STATUSES)[number];

/** Priorities, the most urgent first. */
export const PRIORITIES = ['critical', 'high', 'medium', 'low'] as const;
export type Priority = (typeof PRIORITIES)[number];

/** The size buckets of a plan; `estimate.ts` turns them into minutes. */
export const SIZES = ['S', 'M', 'L', 'XL'] as const;
export type Size = (typeof SIZES)[number];

/** The risks of a task, the lowest first. */
export const RISKS = ['low', 'medium', 'high'] as const;
export type Risk = (typeof RISKS)[number];

/** `"3"` for a task, `"3.2"` for the second subtask of task 3. */
export type TaskId = string;

/** One unit of work, as stored. */
export interface Task {
  readonly id: TaskId;
  /** The list of the task; `master` by default. */
  readonly tag: string;
  readonly title: string;
  readonly description: string;
  readonly details: string;
  readonly testStrategy: string;
  readonly priority: Priority;
  readonly status: TaskStatus;
  /** Ids of tasks or subtasks that must be done first; a group's id stands for all its subtasks. */
  readonly dependencies: readonly TaskId[];
  readonly size: Size | null;
  /** The planned working time in minutes; null where the plan only has the size. */
  readonly estimateMinutes: number | null;
  /** Globs of the paths that the task is expected to change. */
  readonly touches: readonly string[];
  readonly risk: Risk | null;
  /** ISO 8601, UTC. */
  readonly createdAt: string;
  readonly updatedAt: string;
}

/** A task without its long texts, as lists show it. */
export type ListedTask = Pick<
  Task,
  'id' | 'title' | 'priority' | 'status' | 'dependencies' | 'size' | 'estimateMinutes'
>;

/**
 * A task before it is stored. `dependencies` may name other drafts of the same batch. The store keeps the `id` if it is
 * free, and renumbers the batch otherwise.
 */
export type TaskDraft = Omit<Task, 'tag' | 'status' | 'createdAt' | 'updatedAt'>;

/** The fields that `edit` may change. */
export type TaskChanges = Partial<Omit<TaskDraft, 'id' | 'dependencies'>>;

const TASK_ID = /^[1-9]\d{0,8}(\.[1-9]\d{0,8})?$/;

/** Parses an id that a person or a model wrote (`3`, `"3"`, `" 3.2 "`); undefined if it is none. */
export function parseTaskId(text: string | number): TaskId | undefined {
  const id = String(text).trim();
  return TASK_ID.test(id) ? id : undefined;
}

/** The id of a subtask's parent; undefined for a top-level task. */
export function parentOf(id: TaskId): TaskId | undefined {
  const dot = id.indexOf('.');
  return dot === -1 ? undefined : id.slice(0, dot);
}

/** Compares ids as numbers: 2 before 10, 3 before 3.1 before 3.2 before 4. */
export function compareTaskIds(a: TaskId, b: TaskId): number {
  // A sort of thousands of tasks spends its time here, and most ids have no dot.
  if (!a.includes('.') && !b.includes('.')) return Number(a) - Number(b);
  const [a1 = 0, a2 = 0] = a.split('.').map(Number);
  const [b1 = 0, b2 = 0] = b.split('.').map(Number);
  return a1 - b1 || a2 - b2;
}

/** The id after those of all top-level tasks. */
export function nextTaskId(tasks: readonly Pick<Task, 'id'>[]): TaskId {
  return String(tasks.reduce((highest, { id }) => Math.max(highest, Number.parseInt(id, 10)), 0) + 1);
}

/** 0 for the most urgent priority. */
export function priorityRank(priority: Priority): number {
  return PRIORITIES.indexOf(priority);
}

/** Whether a dependency on a task with this status is satisfied. */
export function isSettled(status: TaskStatus): boolean {
  return status === 'done' || status === 'cancelled';
}

/** Whether `run` may start a task with this stored status. A failed task is eligible again at the next run. */
export function isRunnable(status: TaskStatus): boolean {
  return status === 'pending' || status === 'failed';
}

/** Whether a person has decided about a task, so that no run continues it. A failed task is not decided. */
export function isDecided(status: TaskStatus): boolean {
  return !isRunnable(status) && status !== 'in-progress';
}

/** The status of a group, derived from its subtasks; undefined where it has none. */
export function deriveGroupStatus(subtasks: readonly TaskStatus[]): TaskStatus | undefined {
  if (subtasks.length === 0) return undefined;
  if (subtasks.every(isSettled)) return subtasks.includes('done') ? 'done' : 'cancelled';
  if (subtasks.includes('in-progress') || subtasks.includes('review')) return 'in-progress';
  if (subtasks.includes('pending')) return subtasks.includes('done') ? 'in-progress' : 'pending';
  return subtasks.includes('failed') ? 'failed' : 'deferred';
}
