import { z } from 'zod';
import { list, useCase } from './shape.ts';
import { taskId, taskIds } from './task.ts';

/** What `depend` is asked. */
export const dependRequest = z.object({
  action: z.enum(['add', 'remove']),
  id: z.string().describe('the task that waits: `3` or `3.2`'),
  dependsOn: taskIds,
});
export type DependRequest = z.infer<typeof dependRequest>;

/** What `depend` answers. */
export const dependReport = z.object({
  action: dependRequest.shape.action,
  id: taskId,
  changed: list(taskId).describe('the dependencies that were added or removed'),
  unchanged: list(taskId).describe('those that were there, or were missing, already'),
});
export type DependReport = z.infer<typeof dependReport>;

export const dependUseCase = useCase({
  request: dependRequest,
  report: dependReport,
  commands: ['depend', 'task-master add-dependency', 'task-master remove-dependency'],
});
