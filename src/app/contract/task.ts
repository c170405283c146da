import { z } from 'zod';
import { PRIORITIES, RISKS, SIZES, TASK_STATUSES, type Task, type TaskDraft } from '../../domain/task.ts';
import type { TaskCounts } from '../../domain/task-outline.ts';
import { list, moment, shape } from './shape.ts';

/** `"3"` for a task, `"3.2"` for the second subtask of task 3. */
export const taskId = z
  .string()
  .meta({ id: 'TaskId', title: 'task id', description: '`3`, or `3.2` for a subtask of it' });

/** The status of a task. */
export const taskStatus = z
  .enum(TASK_STATUSES)
  .meta({ id: 'TaskStatus', description: 'the status of a task' });

/** The tasks that a request names. */
export const taskIds = list(z.string()).describe(
  'ids as people write them: `3`, `3.2`, a list `1,3.2`, a range `5-8`',
);

const drafted = {
  id: taskId,
  title: z.string(),
  description: z.string(),
  details: z.string(),
  testStrategy: z.string(),
  priority: z.enum(PRIORITIES),
  dependencies: list(taskId).describe('what must be done first; a group stands for all its subtasks'),
  size: z.enum(SIZES).nullable().describe('how much work it is, by a plan or a person'),
  estimateMinutes: z
    .number()
    .nullable()
    .describe('working time, where it is known more finely than the size'),
  touches: list(z.string()).describe('globs of the paths that it is expected to change'),
  risk: z.enum(RISKS).nullable(),
};

/** A task as it is stored. */
export const task = shape('Task', 'a task as it is stored', {
  ...drafted,
  tag: z.string().describe('the list that it belongs to'),
  status: taskStatus,
  createdAt: moment,
  updatedAt: moment,
}) satisfies z.ZodType<Task>;

/** A task that a command made; not stored with `--dry-run`. */
export const madeTask = z.union([
  task,
  shape(
    'TaskDraft',
    'a task that is not stored, as `--dry-run` makes it',
    drafted,
  ) satisfies z.ZodType<TaskDraft>,
]);

/** A task in one line. */
export const taskLine = shape('TaskLine', 'a task in one line', {
  id: taskId,
  title: z.string(),
  status: taskStatus,
  shown: z
    .enum([...TASK_STATUSES, 'blocked'])
    .describe('the status, or `blocked` for a pending task that waits'),
});
export type TaskLine = z.infer<typeof taskLine>;

/** A task whose status was set. */
export const statusChange = z.object({
  id: taskId,
  title: z.string(),
  from: taskStatus,
  to: taskStatus,
});

/** A task with what follows from the other tasks. */
export const taskInContext = shape('TaskInContext', 'a task, and what follows from the other tasks', {
  ...task.shape,
  ready: z
    .boolean()
    .describe('it could start now; always false for a group, because its subtasks are run instead'),
  waitingFor: list(taskId).describe(
    'unsettled dependencies; a group among them is replaced by its unsettled subtasks',
  ),
  cancelledDependencies: list(taskId).describe(
    'dependencies that were cancelled, so they will never be done',
  ),
  subtasks: list(taskId),
  settledSubtasks: z.int().describe('how many of the subtasks are done or cancelled'),
  expectedMinutes: z.number().describe('working time by what the project has learned so far'),
});
export type TaskInContext = z.infer<typeof taskInContext>;

/** A task in a list. */
export const listedTask = taskInContext
  .partial({
    tag: true,
    description: true,
    details: true,
    testStrategy: true,
    touches: true,
    risk: true,
    createdAt: true,
    updatedAt: true,
  })
  .meta({
    id: 'ListedTask',
    description:
      'a task in a list; what is optional is there where whole tasks are asked for, as `list --json` does',
  });
export type ListedTaskInContext = z.infer<typeof listedTask>;

/** How many tasks there are in each state. */
export const taskCounts = shape(
  'TaskCounts',
  'how many tasks there are; a group is counted by its subtasks',
  {
    total: z.int(),
    ready: z.int().describe('pending and failed tasks that could start now'),
    blocked: z.int().describe('pending tasks that wait for others'),
    pending: z.int(),
    'in-progress': z.int(),
    review: z.int(),
    done: z.int(),
    failed: z.int(),
    deferred: z.int(),
    cancelled: z.int(),
  },
) satisfies z.ZodType<TaskCounts>;
