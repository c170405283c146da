import { z } from 'zod';
import { list, useCase } from './shape.ts';
import { taskCounts, taskId, taskInContext, taskStatus } from './task.ts';

/** What `next` is asked. */
export const nextRequest = z.object({});

/** What `next` answers. */
export const nextReport = z.object({
  next: taskInContext
    .extend({ why: z.string().describe('why this one, as a sentence') })
    .nullable()
    .describe('the task that `run` would start first, null where none can start'),
  alsoReady: list(taskId).describe('what else could start now, best first'),
  waitingFor: list(
    z.object({
      id: taskId,
      title: z.string(),
      status: taskStatus,
      holdsUp: z.int().describe('how many open tasks wait for it, directly or behind others'),
    }),
  ).describe('what the rest waits for where nothing can start, the one that holds up the most first'),
  counts: taskCounts.nullable().describe('of the whole list; null where something can start'),
});
export type NextReport = z.infer<typeof nextReport>;

export const nextUseCase = useCase({ request: nextRequest, report: nextReport });
