import { z } from 'zod';
import { list, useCase } from './shape.ts';
import { listedTask, taskCounts } from './task.ts';

/** What `list` is asked: with a filter, subtasks that match are listed too. */
export const listRequest = z.object({
  statuses: list(z.string())
    .optional()
    .describe(
      'only tasks with one of these, `blocked` included; a text may name several, separated by commas',
    ),
  ready: z.boolean().optional().describe('only what could start now'),
  withSubtasks: z.boolean().optional(),
  texts: z.boolean().optional().describe('whole tasks; without their texts, a long list is read faster'),
});
export type ListRequest = z.infer<typeof listRequest>;

/** What `list` answers. */
export const listReport = z.object({
  tasks: list(listedTask).describe('the tasks that match the request'),
  counts: taskCounts.describe('of the whole list'),
  lost: z
    .object({ message: z.string(), fix: z.string().describe('the command that brings it back') })
    .optional()
    .describe('there are no tasks, but there is a copy of a list that was deleted'),
});
export type ListReport = z.infer<typeof listReport>;

export const listUseCase = useCase({ request: listRequest, report: listReport });
