import { z } from 'zod';
import { answered, newTasksRequest, stored } from './new-tasks.ts';
import { list, useCase } from './shape.ts';
import { madeTask } from './task.ts';

/** What `parse` is asked. */
export const parseRequest = newTasksRequest.extend({
  files: list(z.string()).describe('text or Markdown files that are one document; `-` for stdin'),
  numTasks: z.int().optional().describe('about how many tasks to make; as many as it needs if left out'),
  append: z
    .boolean()
    .optional()
    .describe('add to the tasks there are, as happens by itself for a document that is new'),
  replace: z
    .boolean()
    .optional()
    .describe('put the new tasks in the place of those there are; what is in progress stays'),
});
export type ParseRequest = z.infer<typeof parseRequest>;

/** What `parse` answers. */
export const parseReport = z.object({ stored, tasks: list(madeTask), ...answered });
export type ParseReport = z.infer<typeof parseReport>;

export const parseUseCase = useCase({
  request: parseRequest,
  report: parseReport,
  commands: ['parse', 'task-master parse-prd'],
});
