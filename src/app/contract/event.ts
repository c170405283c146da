import { z } from 'zod';
import {
  RUN_OUTCOMES,
  type Delivery,
  type PauseReason,
  type PayingAccounts,
  type Stamped,
  type WorkerProgress,
} from '../../domain/event.ts';
import { PRIORITIES, RISKS, SIZES, type TaskChanges } from '../../domain/task.ts';
import { attemptEnd, phase, processIdentity, proof } from './attempt.ts';
import { list, moment, shape, usd } from './shape.ts';
import { taskId, taskStatus } from './task.ts';
import { modelUsage, tokens } from './usage.ts';

/** How a run ends. */
export const runOutcome = z.enum(RUN_OUTCOMES).meta({ id: 'RunOutcome', description: 'how a run ended' });

/** Why nothing starts for a while. */
export const pauseReason = z.enum(['usage-limit', 'reserve', 'pacing', 'outage']).meta({
  id: 'PauseReason',
  description: 'why nothing starts for a while',
  meanings: {
    'usage-limit': 'a limit refused a request',
    reserve: 'what is left is kept for you (`usage.reserve_percent`)',
    pacing: 'too little is left for any task',
    outage: 'the API, the network or the machine fails',
  },
}) satisfies z.ZodType<PauseReason>;

/** What became of what landed. */
export const delivery = shape('Delivery', 'what became of what landed in a run', {
  kind: z
    .enum(['none', 'committed', 'staged', 'branch', 'left', 'pull-request'])
    .describe(
      '`none`: there was nothing to deliver; `committed` on your branch; `staged` in your checkout; put on a `branch` of its own, as asked for; `left` on the integration branch (then `run` ends with exit code 6 where all tasks are done); or offered as a `pull-request`',
    ),
  commit: z.string().nullable().describe('the commit that holds it all; null for `none`'),
  message: z.string().describe('what was done, or why it was left'),
  commands: list(z.string()).describe('what you have to type to take it, where something is left to do'),
}) satisfies z.ZodType<Delivery>;

const accounts = z.object({
  worker: z.object({ id: z.string(), label: z.string() }),
  manager: z.object({ id: z.string(), label: z.string() }),
}) satisfies z.ZodType<PayingAccounts>;

const progress = z.object({
  action: z.string().describe('such as `Edit src/a.ts`'),
  tokens,
  costUsd: usd,
}) satisfies z.ZodType<WorkerProgress>;

const taskChanges = z.object({
  title: z.string().exactOptional(),
  description: z.string().exactOptional(),
  details: z.string().exactOptional(),
  testStrategy: z.string().exactOptional(),
  priority: z.enum(PRIORITIES).exactOptional(),
  size: z.enum(SIZES).nullable().exactOptional(),
  estimateMinutes: z.number().nullable().exactOptional(),
  touches: list(z.string()).exactOptional(),
  risk: z.enum(RISKS).nullable().exactOptional(),
}) satisfies z.ZodType<TaskChanges>;

/** An event of one type, with its time. */
function event<const T extends string, F extends z.core.$ZodLooseShape>(type: T, meaning: string, fields: F) {
  return z.object({ type: z.literal(type), ...fields, at: moment }).describe(meaning);
}

const runId = z.string();
const why = z.string().describe('as a sentence');
const ofAttempt = { attemptId: z.int(), taskId };

/** Everything that happens, with its time. */
export const stampedEvent = z
  .discriminatedUnion('type', [
    event('run-started', 'a run began', {
      runId,
      workers: z.int(),
      tasks: z.int().describe('how many it is to do'),
      billing: z.string().describe('who pays for what, for people'),
      accounts: accounts.exactOptional().describe('who pays: a hash and a name for people'),
      maxCostUsd: usd.nullable().exactOptional().describe('the ceiling of the run'),
      maxCostPerTaskUsd: usd.nullable().exactOptional().describe('the ceiling of each task'),
    }),
    event('run-planned', 'the order of its tasks is known', {
      runId,
      source: z
        .enum(['manager', 'cache', 'stored'])
        .describe(
          'where the order came from: `manager`, `cache` (an earlier plan of the same tasks) or `stored` (the stored dependencies alone)',
        ),
    }),
    event('manager-called', 'the manager answered', {
      purpose: z.string().describe('`parse`, `add`, `expand`, `plan` or `review`'),
      taskId: taskId.exactOptional().describe('of a review'),
      runId: runId.nullable(),
      callId: z.int().exactOptional(),
      usage: list(modelUsage),
      durationMs: z.number(),
    }),
    event('manager-cut-off', 'a kill has cut off a call of the manager, so nobody knows what it has cost', {
      purpose: z.string(),
      runId: runId.nullable().describe('the run that made it'),
      usage: list(modelUsage).describe('what is booked for it, estimated high'),
    }),
    event('attempt-started', 'an attempt at a task began', {
      runId,
      ...ofAttempt,
      title: z.string(),
      number: z.int(),
      sessionId: z.string(),
      resumed: z.boolean(),
      why: z.string().describe('why this task went next'),
    }),
    event('attempt-prepared', 'its workspace is ready', {
      ...ofAttempt,
      directory: z.string(),
      branch: z.string().nullable(),
      base: z.string().nullable(),
    }),
    event('attempt-spawned', 'its worker was started', { ...ofAttempt, process: processIdentity }),
    event('attempt-phase', 'it has come to another phase', { ...ofAttempt, phase }),
    event('attempt-progress', 'what its worker does now; the figures are totals', { ...ofAttempt, progress }),
    event('landing-intended', 'its change is about to land', {
      ...ofAttempt,
      commit: z.string().describe('what the integration branch is moved to'),
      proof,
    }),
    event('attempt-ended', 'it has ended', { ...ofAttempt, end: attemptEnd }),
    event('status-changed', 'a task has another status', {
      taskId,
      from: taskStatus,
      to: taskStatus,
      why,
    }),
    event('retry-scheduled', 'a task is tried again', {
      taskId,
      number: z.int().describe('of the attempt to come'),
      delayMs: z.number(),
      why,
    }),
    event('tasks-added', 'tasks were stored', { taskIds: list(taskId), source: z.string() }),
    event('task-edited', 'a task was changed', { taskId, changes: taskChanges.describe('what is new') }),
    event('tasks-deleted', 'tasks were deleted', { taskIds: list(taskId) }),
    event('dependency-added', 'a task waits for another', { taskId, dependsOn: taskId }),
    event('dependency-removed', 'it no longer does', { taskId, dependsOn: taskId }),
    event('warning', 'something that you should know', { message: z.string() }),
    event('run-delivered', 'what landed was delivered, or was not', { runId, delivery }),
    event('run-paused', 'nothing may start; again where it gets longer', {
      runId,
      reason: pauseReason,
      until: moment.describe('when the next try is'),
      message: z.string(),
    }),
    event('run-resumed', 'tasks may start again', { runId, reason: pauseReason }),
    event(
      'budget-wait',
      'workers are idle, since those that run hold too much of the budget; again once that is over',
      {
        runId,
        waiting: z.int().describe('tasks that could start but for money, 0 once that is over'),
        heldUsd: usd.describe('what running attempts hold beyond what they have spent'),
        freeUsd: usd.describe('what is free'),
      },
    ),
    event('usage-warning', 'much of a usage limit is used, once for each window', {
      runId,
      account: z.string(),
      window: z.string(),
      used: z.number().describe('percent'),
      resetsAt: moment.nullable(),
    }),
    event('run-ended', 'the run has ended', { runId, outcome: runOutcome, message: z.string() }),
  ])
  .meta({ id: 'Event', description: 'something that happened' }) satisfies z.ZodType<Stamped>;
