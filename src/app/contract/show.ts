import { z } from 'zod';
import { attempt } from './attempt.ts';
import { stampedEvent } from './event.ts';
import { list, shape, useCase } from './shape.ts';
import { taskIds, taskInContext, taskLine } from './task.ts';
import { modelUsage } from './usage.ts';

/** What `show` is asked. */
export const showRequest = z.object({ ids: taskIds });
export type ShowRequest = z.infer<typeof showRequest>;

const attemptStory = shape('AttemptStory', 'what happened around an attempt', {
  number: z.int().describe('of the attempt'),
  began: z.string().describe('why its task went next; empty where that is not known'),
  session: z.string().describe('whose session it works in'),
  signs: list(z.string()).describe('the first signs of trouble in its transcript'),
  meanwhile: list(stampedEvent).describe('what stopped the run while it worked'),
  afterwards: list(stampedEvent).describe('what was decided then, until the next attempt'),
});
export type AttemptStory = z.infer<typeof attemptStory>;

const taskReport = shape('TaskReport', 'everything about a task', {
  task: taskInContext,
  parent: taskLine.nullable(),
  dependencies: list(taskLine),
  dependents: list(taskLine).describe('tasks that wait for this one'),
  subtasks: list(taskLine),
  attempts: list(attempt),
  stories: list(attemptStory).describe('one for each attempt'),
  usage: list(modelUsage).describe('by all attempts, one entry a model'),
  events: list(stampedEvent).describe('its history, and what stopped the runs that worked on it'),
});
export type TaskReport = z.infer<typeof taskReport>;

/** What `show` answers. */
export const showReport = z.object({ tasks: list(taskReport) });
export type ShowReport = z.infer<typeof showReport>;

export const showUseCase = useCase({ request: showRequest, report: showReport });
