import { z } from 'zod';
import { list, useCase } from './shape.ts';
import { statusChange, taskId, taskIds } from './task.ts';

/** What `cancel` is asked. */
export const cancelRequest = z.object({ ids: taskIds });
export type CancelRequest = z.infer<typeof cancelRequest>;

const cancelledTask = z.object({
  ...statusChange.shape,
  to: statusChange.shape.to.describe('`done` if its change landed at the moment it was cancelled'),
  freed: list(taskId).describe('tasks that no longer wait for it'),
  worker: z
    .enum(['none', 'ended', 'ending', 'abandoned'])
    .describe(
      'its worker: `none` was working; it has `ended`; the run is still `ending` it; or its run was killed before, so it is `abandoned`',
    ),
  work: z
    .object({ attempt: z.int(), branch: z.string().nullable(), directory: z.string() })
    .nullable()
    .describe('where its unfinished work is; `branch` is null if workers share the directory'),
});
export type CancelledTask = z.infer<typeof cancelledTask>;

/** What `cancel` answers. */
export const cancelReport = z.object({ cancelled: list(cancelledTask) });
export type CancelReport = z.infer<typeof cancelReport>;

export const cancelUseCase = useCase({ request: cancelRequest, report: cancelReport });
