import { z } from 'zod';
import type { GraphProblem } from '../../domain/task-graph.ts';
import { list, useCase } from './shape.ts';
import { taskId } from './task.ts';

/** What `validate-dependencies` is asked. */
export const validateDependenciesRequest = z.object({});

const message = z.string();
const ofTask = z.object({
  kind: z.enum(['invalid-id', 'duplicate-id', 'missing-parent', 'empty-title']),
  message,
  id: taskId,
});
const ofDependency = z.object({
  kind: z.enum(['unknown-dependency', 'self-dependency']),
  message,
  id: taskId,
  dependsOn: taskId,
});
const ofCycle = z.object({
  kind: z.literal('cycle'),
  message,
  path: list(taskId).describe('starts and ends with the same id; each needs the next'),
});
const graphProblem = z.union([ofTask, ofDependency, ofCycle]) satisfies z.ZodType<GraphProblem>;

/** What `validate-dependencies` answers. */
export const validateDependenciesReport = z
  .object({
    valid: z.boolean(),
    tasks: z.int().describe('how many were looked at'),
    dependencies: z.int().describe('how many were looked at'),
    problems: list(graphProblem),
  })
  .describe('Exit code 1 where `valid` is false.');
export type ValidateDependenciesReport = z.infer<typeof validateDependenciesReport>;

export const validateDependenciesUseCase = useCase({
  request: validateDependenciesRequest,
  report: validateDependenciesReport,
  commands: ['task-master validate-dependencies'],
});
