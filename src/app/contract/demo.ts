import { z } from 'zod';
import { useCase } from './shape.ts';

/** What `demo` is asked. */
export const demoRequest = z.object({
  keep: z.boolean().exactOptional().describe('keep the repository'),
  standIn: z
    .boolean()
    .exactOptional()
    .describe('use the built-in stand-in even where the Claude CLI is installed'),
});
export type DemoRequest = z.infer<typeof demoRequest>;

/** What `demo` answers. */
export const demoReport = z.object({
  passed: z.boolean().describe('the tests of what the workers wrote pass'),
  tests: z.int().describe('how many there are'),
  files: z.int().describe('how many were written'),
  seconds: z.number().describe('how long all of it took'),
  worker: z.string().describe('the program that played the worker'),
  repository: z.string().nullable().describe('null unless it is kept'),
});
export type DemoReport = z.infer<typeof demoReport>;

export const demoUseCase = useCase({ request: demoRequest, report: demoReport });
