import { z } from 'zod';
import { runRequest } from './run.ts';
import { PRIORITIES, RISKS, SIZES } from '../../domain/task.ts';
import { list, shape, usd, useCase } from './shape.ts';
import { taskId, taskStatus } from './task.ts';
import { callCost } from './usage.ts';

/** What `plan` is asked. */
export const planRequest = z.object({
  manager: z.boolean().optional().describe('false asks nobody, and uses what is stored'),
  graph: z.boolean().optional().describe('report every task with what it depends on, as a diagram needs it'),
});
export type PlanRequest = z.infer<typeof planRequest>;

const plannedTask = shape('PlannedTask', 'a task that would run', {
  id: taskId,
  title: z.string(),
  priority: z.enum(PRIORITIES),
  size: z.enum(SIZES).nullable(),
  minutes: z.number(),
  estimated: z.boolean().describe('false where no plan has estimated it, so that a middling size is assumed'),
  risk: z.enum(RISKS).nullable(),
  touches: list(z.string()),
  dependencies: list(taskId),
  critical: z.boolean().describe('it is on the critical path'),
});
export type PlannedTask = z.infer<typeof plannedTask>;

const heldTask = shape('HeldTask', 'an open task that would not run', {
  id: taskId,
  title: z.string(),
  status: taskStatus,
  waitingFor: list(taskId).describe('the held tasks that it waits for; empty where its own status keeps it'),
});
export type HeldTask = z.infer<typeof heldTask>;

const collision = z.object({
  wave: z.int().describe('1 for the first wave'),
  tasks: list(taskId),
  paths: list(z.string()).describe('what more than one of them is expected to change'),
});
export type Collision = z.infer<typeof collision>;

/** What `run` would do with the stored tasks. */
export const planPreview = shape('PlanPreview', 'what `run` would do with the stored tasks', {
  tasks: z.int().describe('how many would run'),
  waves: list(list(plannedTask)).describe(
    'everything in a wave can run at once when the waves before it are done',
  ),
  criticalPath: z.object({ tasks: list(taskId).describe('in order'), minutes: z.number() }),
  collisions: list(collision).describe('tasks of one wave that are expected to change the same files'),
  workers: z.int().describe('how many work at once, as configured'),
  prediction: list(z.object({ workers: z.int(), minutes: z.number() })).describe('from one worker upwards'),
  costUsd: usd
    .nullable()
    .describe("by what this project's finished tasks have cost; null while there are none"),
  held: list(heldTask).describe('what a person has put aside, and what waits for it'),
});
export type PlanPreview = z.infer<typeof planPreview>;

/** What `plan` answers. */
export const planReport = z.object({
  source: z.enum(['manager', 'cache', 'stored']).describe('where the estimates came from just now'),
  asked: callCost
    .nullable()
    .describe('what asking the manager just now has cost; null where nobody was asked'),
  ...planPreview.shape,
  graph: list(z.object({ id: taskId, title: z.string(), status: taskStatus, dependencies: list(taskId) }))
    .optional()
    .describe('every task, done ones included; missing where it was not asked for'),
});
export type PlanReport = z.infer<typeof planReport>;

export const planUseCase = useCase({ request: planRequest, report: planReport });

export const previewRunUseCase = useCase({
  request: runRequest,
  report: planPreview,
  commands: ['run --dry-run'],
});
