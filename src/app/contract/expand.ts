import { z } from 'zod';
import { answered, newTasksRequest, stored } from './new-tasks.ts';
import { list, useCase } from './shape.ts';
import { madeTask, taskId } from './task.ts';

/** What `expand` is asked. */
export const expandRequest = newTasksRequest.extend({
  id: z.string().describe('the task'),
  num: z.int().optional().describe('about how many subtasks to make; as many as it needs if left out'),
  research: z.boolean().optional().describe('let the manager look at the repository and the web first'),
  prompt: z.string().optional().describe('what to look out for'),
  force: z.boolean().optional().describe('replace the pending subtasks it has'),
});
export type ExpandRequest = z.infer<typeof expandRequest>;

/** What `expand` answers. */
export const expandReport = z.object({
  stored,
  id: taskId.describe('the task that the subtasks belong to'),
  subtasks: list(madeTask),
  sources: list(z.string()).describe('files and web addresses that were looked at'),
  ...answered,
});
export type ExpandReport = z.infer<typeof expandReport>;

export const expandUseCase = useCase({ request: expandRequest, report: expandReport });
