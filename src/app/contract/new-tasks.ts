import { z } from 'zod';
import { list } from './shape.ts';
import { callCost } from './usage.ts';

/** What can be said whenever new tasks are asked for. */
export const newTasksRequest = z.object({
  reply: z
    .string()
    .optional()
    .describe('a file with a reply that was kept and has been mended: it is taken instead of asking'),
  dryRun: z.boolean().optional().describe('show the tasks, but store nothing'),
  workingDir: z.string().optional().describe('the directory that names of files start from'),
});

/** Whether new tasks were stored. */
export const stored = z.boolean().describe('false for a dry run');

/** What is told of an answer of the manager: fields of a report. */
export const answered = {
  mended: list(z.string()).describe("what was mended in the manager's reply, as sentences"),
  ...callCost.shape,
};
