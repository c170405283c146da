import { z } from 'zod';
import { useCase } from './shape.ts';
import { PRIORITIES } from '../../domain/task.ts';
import { answered, newTasksRequest, stored } from './new-tasks.ts';
import { madeTask } from './task.ts';

/** What `add` is asked. */
export const addRequest = newTasksRequest.extend({
  text: z.string().describe('what is to be done; `-` for what stdin holds'),
  raw: z.boolean().optional().describe('store it as typed, without a model'),
  priority: z.enum(PRIORITIES).optional(),
  dependsOn: z.string().optional().describe('tasks that must be done first, such as `1,3.2`'),
});
export type AddRequest = z.infer<typeof addRequest>;

/** What `add` answers. */
export const addReport = z
  .object({
    stored,
    task: madeTask,
    ...z.object(answered).partial().shape,
  })
  .describe('With `--raw` nobody is asked, so nothing is mended and nothing is paid.');
export type AddReport = z.infer<typeof addReport>;

export const addUseCase = useCase({
  request: addRequest,
  report: addReport,
  commands: ['add', 'task-master add-task --prompt'],
});
