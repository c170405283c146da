import { z } from 'zod';
import { PRIORITIES, RISKS, SIZES } from '../../domain/task.ts';
import { list, useCase } from './shape.ts';
import { task } from './task.ts';

/** What `edit` is asked: only what is given is changed. */
export const editRequest = z.object({
  id: z.string().describe('the task: `3` or `3.2`'),
  title: z.string().optional(),
  description: z.string().optional(),
  details: z.string().optional(),
  testStrategy: z.string().optional(),
  priority: z
    .string()
    .optional()
    .describe(`one of ${PRIORITIES.join(', ')}`),
  size: z
    .string()
    .optional()
    .describe(`one of ${SIZES.join(', ')}, or \`none\``),
  estimate: z.string().optional().describe('working time, finer than the size: `45`, `1h30m` or `none`'),
  touches: z
    .string()
    .optional()
    .describe('globs of paths that it is expected to change, separated by commas, or `none`'),
  risk: z
    .string()
    .optional()
    .describe(`one of ${RISKS.join(', ')}, or \`none\``),
});
export type EditRequest = z.infer<typeof editRequest>;

/** What `edit` answers. */
export const editReport = z.object({
  task,
  changed: list(z.string()).describe('the fields of the task that were given'),
});
export type EditReport = z.infer<typeof editReport>;

export const editUseCase = useCase({ request: editRequest, report: editReport });
