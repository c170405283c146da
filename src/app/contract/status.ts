import { z } from 'zod';
import { attemptOutcome, phase } from './attempt.ts';
import { runOutcome } from './event.ts';
import { runSummary } from './run-summary.ts';
import { list, moment, shape, usd, useCase } from './shape.ts';
import { taskCounts, taskId } from './task.ts';
import { modelUsage } from './usage.ts';

/** What `status` is asked. */
export const statusRequest = z.object({});

const runStatus = shape('RunStatus', "a run's summary, and whether it still goes on", {
  ...runSummary.shape,
  state: z
    .enum(['running', 'ended', 'dead'])
    .describe('`dead`: its process is gone without an end; the next `run` takes it up'),
  pid: z.int(),
});
export type RunStatus = z.infer<typeof runStatus>;

const windowStatus = z.object({
  account: z.string().describe('who pays through it: `Claude subscription`, `API key …abcd`'),
  window: z
    .string()
    .describe(
      "the API's name of it: `five_hour`, `seven_day`, …; with `api_` before it what a key may use in a minute",
    ),
  usedPercent: z.number().nullable().describe('null where it is not known'),
  status: z.enum(['allowed', 'allowed_warning', 'rejected']),
  resetsAt: moment.nullable().describe('null where it is not known'),
});

const limitStatus = z.object({
  until: moment,
  window: z.string().nullable().describe('the window that is exhausted; null where it is not known'),
});

const budgetStatus = z.object({
  maxUsd: usd.nullable().describe('for a run and those that it continues; null for no ceiling'),
  spentUsd: usd.describe(
    'by the last run and those that it continues, with what running attempts have used so far',
  ),
  leftUsd: usd.nullable(),
  maxPerTaskUsd: usd.nullable().describe('for all attempts at one task; null for no ceiling'),
});

const attention = z.object({
  taskId: taskId.nullable().describe('null for the run itself'),
  title: z.string(),
  outcome: z.union([attemptOutcome, runOutcome]).nullable(),
  message: z.string(),
  advice: z.string(),
});
export type Attention = z.infer<typeof attention>;

const usages = list(modelUsage);

/** What `status` answers. */
export const statusReport = z
  .object({
    run: runStatus.nullable().describe('the run in progress or the last one, null if there was none'),
    running: list(
      z.object({
        taskId,
        title: z.string(),
        number: z.int().describe('of the attempt'),
        model: z.string(),
        phase,
        startedAt: moment,
        spentUsd: usd.describe('by all attempts at the task, this one so far included'),
      }),
    ).describe('what workers do now'),
    tasks: taskCounts,
    usage: z
      .object({
        run: usages,
        last5h: usages.describe('of this project'),
        last7d: usages.describe('of this project'),
        account: z
          .object({ last5h: usages, last7d: usages })
          .nullable()
          .describe(
            'of all projects on this machine, by the accounts that pay here; null where nobody is known who pays',
          ),
      })
      .describe('one entry a model'),
    windows: list(windowStatus).describe('each window of a usage limit that is known and not over'),
    hasPlan: z
      .boolean()
      .describe('false where only API keys pay, which have no windows but those of a minute'),
    limit: limitStatus
      .nullable()
      .describe('while an account refuses everything, whoever met the limit, else null'),
    budget: budgetStatus
      .nullable()
      .describe('null where there is no ceiling, or where the configuration cannot be read'),
    transcripts: z
      .object({ bytes: z.int(), at: moment.describe('when they were measured last') })
      .nullable()
      .describe('what the transcripts take that are kept; null where no run has ended yet'),
    attention: list(attention).describe('what needs you'),
    next: z.string().describe('the command that goes on from here'),
  })
  .describe('`status --watch --json` prints a document a line, one at each change.');
export type StatusReport = z.infer<typeof statusReport>;

export const statusUseCase = useCase({ request: statusRequest, report: statusReport });
