import { z } from 'zod';
import { answered } from './new-tasks.ts';
import { madeTask, taskId } from './task.ts';
import { runLine, runRequest } from './run.ts';
import { list, usd, useCase } from './shape.ts';

/** What `do` is asked. */
export const doRequest = runRequest.omit({ ids: true }).extend({
  texts: list(z.string()).describe('what is to be done, each text a task; `-` for what stdin holds'),
  files: list(z.string()).describe('a requirements document instead; `-` for stdin'),
  raw: z.boolean().optional().describe('take each text as typed, without asking the manager'),
  workingDir: z.string().optional().describe('the directory that names of files start from'),
});
export type DoRequest = z.infer<typeof doRequest>;

/** What is going to be done: told before anything is spent. */
const intention = z
  .object({
    type: z.literal('intention'),
    root: z.string().describe('the repository'),
    stateFolder: z.string().describe('where tasks and logs are kept'),
    isOutside: z.boolean().describe('the repository was never set up, so that they are kept outside of it'),
    texts: list(z.string()).nullable().describe('null where a document is to be done'),
    files: list(z.string()).nullable().describe('of the document; null where texts are to be done'),
    raw: z.boolean().describe('texts are taken as typed'),
    continues: list(taskId)
      .nullable()
      .describe('the tasks that the same request has made before, which go on; null where there are none'),
    workers: z.int().describe('how many at once, at most'),
    verify: list(z.string()).describe('the commands that have to succeed'),
    foundBy: list(z.string()).describe(
      'the files that led to these commands; none where a person named them',
    ),
    results: z
      .enum(['staged', 'commits', 'branch', 'pr', 'in-place'])
      .describe('how results are delivered: `in-place` where all workers share the directory'),
    billing: z.string().describe('who pays for what'),
    maxCostUsd: usd.nullable().describe('null where there is no limit'),
    note: z.string().nullable().describe('what is here already and is not used'),
  })
  .describe('the first line: what is going to be done');
export type Intention = z.infer<typeof intention>;

/** The tasks that were made of the request. */
const requestedTasks = z
  .object({
    type: z.literal('tasks'),
    tasks: list(madeTask),
    ...z.object(answered).partial().shape,
  })
  .describe('the tasks that were made; without what the manager mended and cost where it was not asked');
export type RequestedTasks = z.infer<typeof requestedTasks>;

/** A line that `do` prints: what is intended, which tasks were made, then what `run` prints. */
export const doLine = z
  .discriminatedUnion('type', [intention, requestedTasks, runLine])
  .describe('As `run`, after one or two lines of its own.');

export const doUseCase = useCase({ request: doRequest, report: doLine, inLines: true });
