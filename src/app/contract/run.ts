import { z } from 'zod';
import { stampedEvent } from './event.ts';
import { runSummary } from './run-summary.ts';
import { list, useCase } from './shape.ts';

/** What `run` is asked. */
export const runRequest = z.object({
  ids: list(z.string()).optional().describe('only these tasks: `3`, `3.2`, `1,2`, `1-4`'),
  workers: z.int().optional().describe('how many at once, in place of execution.max_workers'),
  maxCostUsd: z.number().optional().describe('in place of budget.max_cost_usd'),
  plan: z.boolean().optional().describe('false: the tasks are taken as they are stored'),
  review: z.boolean().optional().describe('false: what passes the verify commands lands'),
  wait: z.boolean().optional().describe('false: a usage limit ends the run'),
  report: z.string().optional().describe('the file of an HTML report'),
  verbose: z.boolean().optional().describe('log more'),
});
export type RunRequest = z.infer<typeof runRequest>;

/** A line that `run` prints: what happens, then the summary. */
export const runLine = z
  .discriminatedUnion('type', [
    stampedEvent,
    z
      .object({ type: z.literal('summary'), ...runSummary.shape })
      .describe('the last line: the run, summed up'),
    z
      .object({ type: z.literal('nothing-to-do'), message: z.string() })
      .describe('the only line where there is nothing to do'),
  ])
  .describe('One JSON object a line, as it happens.');
type RunLine = z.infer<typeof runLine>;

/** What a run came to: its summary, or why there was nothing to do. */
export type RunReport = Extract<RunLine, { type: 'summary' | 'nothing-to-do' }>;

export const runUseCase = useCase({ request: runRequest, report: runLine, inLines: true });
