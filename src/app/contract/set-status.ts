import { z } from 'zod';
import { TASK_STATUSES } from '../../domain/task.ts';
import { list, useCase } from './shape.ts';
import { statusChange, taskIds, taskStatus } from './task.ts';

/** What `set-status` is asked. */
export const setStatusRequest = z.object({
  ids: taskIds,
  status: z.string().describe(`one of ${TASK_STATUSES.join(', ')}`),
});
export type SetStatusRequest = z.infer<typeof setStatusRequest>;

/** What `set-status` answers. */
export const setStatusReport = z.object({
  status: taskStatus.describe('the one that was asked for'),
  changed: list(statusChange).describe(
    'in the given order; `to` is not the status that was asked for if a group follows its subtasks',
  ),
});
export type SetStatusReport = z.infer<typeof setStatusReport>;

export const setStatusUseCase = useCase({ request: setStatusRequest, report: setStatusReport });
