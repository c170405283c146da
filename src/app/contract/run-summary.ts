import { z } from 'zod';
import type { RunSummary as Summary } from '../../reporting/summary.ts';
import { attemptOutcome } from './attempt.ts';
import { delivery, pauseReason, runOutcome } from './event.ts';
import { list, moment, shape, usd } from './shape.ts';
import { taskId, taskStatus } from './task.ts';
import { modelUsage } from './usage.ts';

const named = { taskId, title: z.string() };
const files = z.string().describe('the folder of its last attempt: prompt, transcript, stderr');

const tried = {
  ...named,
  attempts: z.int().describe('in this run'),
  durationMs: z.number().describe('working time of all of them'),
  tokens: z.int(),
  costUsd: usd,
  files,
  deniedRules: list(z.string()).describe('rules that would have allowed what was denied'),
  outcome: attemptOutcome,
};

const doneTask = shape('DoneTask', 'a task that a run did', {
  ...tried,
  summary: z.string().describe('as the worker wrote it'),
  followUps: list(z.string()).describe('as the worker wrote them'),
  note: z.string().describe('what is to be said besides, such as files that git ignores; mostly empty'),
});

const failedTask = shape('FailedTask', 'a task that a run tried and did not do', {
  ...tried,
  message: z.string(),
  advice: z.string().describe('what you can do about it'),
  status: taskStatus,
});

/** One run, summed up. */
export const runSummary = shape('RunSummary', 'a run, summed up', {
  runId: z.string(),
  outcome: runOutcome.nullable().describe('null while it goes on'),
  message: z.string().describe('how it ended, as sentences; empty for a plain success'),
  startedAt: moment,
  endedAt: moment.nullable().describe('null while it goes on'),
  durationMs: z.number().describe('from its start to its end, or until now'),
  pausedMs: z.number().describe('the part of it in which nothing was allowed to start'),
  paused: z
    .object({ reason: pauseReason, since: moment, until: moment, message: z.string() })
    .nullable()
    .describe('why nothing may start now, else null'),
  waitingForBudget: z.int().describe('how many tasks could start but for the money that running ones hold'),
  workers: z.int().describe('how many it may have'),
  billing: z.string().describe('who pays, as a sentence'),
  counts: z
    .object({
      total: z.int(),
      done: z.int(),
      running: z.int(),
      failed: z.int(),
      waiting: z.int().describe('not started yet; those behind a failed dependency included'),
    })
    .describe('tasks'),
  done: list(doneTask).describe('what this run did'),
  failed: list(failedTask).describe('what it tried and did not do'),
  running: list(z.object({ ...named, files })).describe('what is worked on'),
  left: list(
    z.object({
      ...named,
      status: taskStatus,
      waitingFor: list(taskId).describe('unsettled tasks that it needs'),
    }),
  ).describe('what is still to do and was not tried'),
  usage: list(z.object({ role: z.enum(['manager', 'worker']), ...modelUsage.shape })).describe(
    'by model and role',
  ),
  tokens: z.int().describe('the sum of all'),
  costUsd: usd.describe('the sum of all'),
  spentUsd: usd.describe(
    'the same with what the runs have cost that this one continues: what a budget counts',
  ),
  cutOff: z
    .object({ calls: z.int(), costUsd: usd.describe('estimated high') })
    .nullable()
    .describe('calls of the manager in it that a kill has cut off'),
  shortage: z
    .object({
      key: z
        .enum(['budget.max_cost_usd', 'budget.max_cost_per_task_usd'])
        .describe('the ceiling that was too low'),
      neededUsd: usd.describe('what it has to be at least, spent money included'),
    })
    .nullable()
    .describe('where a budget ended it'),
  resetsAt: moment.nullable().describe('when the limit resets that holds it up or has stopped it'),
  delivery: delivery
    .nullable()
    .describe('null while the run goes on, where nothing landed, and where workers share a directory'),
  directories: list(z.string()).describe(
    'where workers worked that had no directory of their own: the changes are there',
  ),
}) satisfies z.ZodType<Summary>;
export type RunSummary = z.infer<typeof runSummary>;
