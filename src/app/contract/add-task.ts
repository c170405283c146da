import { z } from 'zod';
import { useCase } from './shape.ts';
import { PRIORITIES } from '../../domain/task.ts';
import { task, taskIds } from './task.ts';

/** What `add-task` is asked: a task as a person wrote it. */
export const addTaskRequest = z.object({
  title: z.string(),
  description: z.string().optional(),
  details: z.string().optional(),
  testStrategy: z.string().optional(),
  priority: z.enum(PRIORITIES).optional(),
  dependencies: taskIds.optional(),
});
export type AddTaskRequest = z.infer<typeof addTaskRequest>;

/** What `add-task` answers. */
export const addTaskReport = z.object({ stored: z.literal(true), task });
export type AddTaskReport = z.infer<typeof addTaskReport>;

export const addTaskUseCase = useCase({
  request: addTaskRequest,
  report: addTaskReport,
  commands: ['task-master add-task --title'],
});
