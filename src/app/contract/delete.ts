import { z } from 'zod';
import { list, useCase } from './shape.ts';
import { taskId, taskIds } from './task.ts';

/** What `delete` is asked. */
export const deleteRequest = z.object({
  ids: taskIds,
  force: z
    .boolean()
    .optional()
    .describe(
      'also delete tasks that others need, whose dependencies on them are dropped, or that a worker works on',
    ),
});
export type DeleteRequest = z.infer<typeof deleteRequest>;

/** What `delete` answers. */
export const deleteReport = z.object({
  deleted: list(taskId).describe('subtasks included'),
  tasks: list(z.object({ id: taskId, title: z.string() })).describe('the same with their titles'),
});
export type DeleteReport = z.infer<typeof deleteReport>;

export const deleteUseCase = useCase({ request: deleteRequest, report: deleteReport });
