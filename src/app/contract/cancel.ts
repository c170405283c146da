import { z } from 'zod';
import { list } from './shape.ts';
import { statusChange, taskId, taskIds } from './task.ts';

/** What `cancel` is asked. */
export const cancelRequest = z.object({ ids: taskIds });
export type CancelRequest = z.infer<typeof cancelRequest>;

const cancelledTask = z.object({
  ...statusChange.shape,
  to: statusChange.shape.to.describe('`done` where its change landed in the very moment it was cancelled'),
  freed: list(taskId).describe('tasks that waited for it, and no longer do'),
  worker: z
    .enum(['none', 'ended', 'ending', 'abandoned'])
    .describe(
      'what became of its worker: none was at work; it has ended; the run has not ended it yet; or its run was killed before',
    ),
  work: z
    .object({ attempt: z.int(), branch: z.string().nullable(), directory: z.string() })
    .nullable()
    .describe('where its unfinished work is: on a branch of its own, or in the directory that workers share'),
});
export type CancelledTask = z.infer<typeof cancelledTask>;

/** What `cancel` answers. */
export const cancelReport = z.object({ cancelled: list(cancelledTask) });
export type CancelReport = z.infer<typeof cancelReport>;
