import { z } from 'zod';
import { list, useCase } from './shape.ts';
import { statusChange, taskId, taskIds } from './task.ts';

/** What `retry` is asked. */
export const retryRequest = z.object({
  ids: taskIds,
  force: z.boolean().optional().describe('also tasks that are done'),
});
export type RetryRequest = z.infer<typeof retryRequest>;

const retriedTask = z.object({
  ...statusChange.shape,
  next: z
    .enum(['resume', 'fresh', 'first'])
    .describe(
      'how its next attempt begins: it continues the session `sessionId`, it starts a new session, or it is the first attempt',
    ),
  sessionId: z.string().nullable(),
  waitingFor: list(taskId).describe('unsettled dependencies, which are done first'),
});
export type RetriedTask = z.infer<typeof retriedTask>;

/** What `retry` answers. */
export const retryReport = z.object({
  retried: list(retriedTask).describe('groups are replaced by their subtasks'),
  run: z.string().nullable().describe('the run that works now, which will start them; null if there is none'),
});
export type RetryReport = z.infer<typeof retryReport>;

export const retryUseCase = useCase({ request: retryRequest, report: retryReport });
