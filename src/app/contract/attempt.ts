import { z } from 'zod';
import {
  PHASES,
  SEVERITIES,
  type Attempt,
  type AttemptEnd,
  type Finding,
  type GateVerdict,
  type PermissionDenial,
  type ProcessIdentity,
  type Proof,
  type Review,
  type WorkerReport,
} from '../../domain/attempt.ts';
import { OUTCOMES } from '../../domain/outcome.ts';
import { list, moment, shape, usd } from './shape.ts';
import { taskId } from './task.ts';
import { modelUsage } from './usage.ts';

/** Where an attempt is. */
export const phase = z.enum(PHASES).meta({
  id: 'Phase',
  description: 'where an attempt is; it passes the phases in this order',
});

/** How an attempt ended. */
export const attemptOutcome = z.enum(OUTCOMES).meta({
  id: 'AttemptOutcome',
  description: 'how an attempt ended; `landed` and `no-change` are successes',
});

/** The process that works on an attempt. */
export const processIdentity = shape('ProcessIdentity', 'a process', {
  pid: z.int(),
  startTime: z.string().describe('tells it from a later process with the same id; only good for comparing'),
}) satisfies z.ZodType<ProcessIdentity>;

/** What a worker says of its own work. */
export const workerReport = shape('WorkerReport', 'what a worker says of its own work', {
  status: z.enum(['completed', 'blocked', 'nothing-to-do']),
  summary: z.string(),
  handover: z.string().describe('what tasks that depend on this one must know'),
  followUps: list(z.string()).describe('what should follow'),
}) satisfies z.ZodType<WorkerReport>;

const permissionDenial = shape('PermissionDenial', 'a permission that a worker asked for and did not get', {
  tool: z.string(),
  rule: z.string().describe('the rule that would have allowed it'),
}) satisfies z.ZodType<PermissionDenial>;

const gateVerdict = shape('GateVerdict', 'what a verify command said of a change', {
  command: z.string(),
  verdict: z
    .enum(['passed', 'failed', 'flaky', 'red-before'])
    .describe(
      '`flaky`: it failed, then passed on the same tree; `red-before`: it fails without the change too',
    ),
}) satisfies z.ZodType<GateVerdict>;

const finding = shape('Finding', 'something that a review found', {
  id: z.string().describe('the same in every round, such as `F1`'),
  severity: z.enum(SEVERITIES),
  file: z.string().nullable().describe('relative to the repository; null where it is about the whole change'),
  line: z.int().nullable(),
  title: z.string().describe('one sentence'),
  evidence: z.string().describe('what proves it'),
}) satisfies z.ZodType<Finding>;

const review = shape('Review', 'what the manager said of a change', {
  round: z.int().describe('1 for the first of a task in a run'),
  verdict: z.enum(['approved', 'rejected']),
  summary: z.string(),
  findings: list(finding).describe('those that are open, the ones that do not block included'),
  commit: z.string().nullable().describe('the commit that was reviewed; null where nothing had changed'),
}) satisfies z.ZodType<Review>;

const endFields = {
  change: z.string().nullable().describe('the commit that holds what the worker wrote'),
  gates: list(gateVerdict).describe('what the verify commands said last, in their order'),
  review: review.nullable().describe('the last one, or an earlier one whose findings are still open'),
};

/** What is known of a change by the time it lands. */
export const proof = shape(
  'Proof',
  'what is known of a change by the time it lands',
  endFields,
) satisfies z.ZodType<Proof>;

/** How an attempt ended. */
export const attemptEnd = shape('AttemptEnd', 'how an attempt ended', {
  outcome: attemptOutcome,
  message: z.string().describe('what happened and what proves it; empty for a plain success'),
  usage: list(modelUsage).describe('one entry a model'),
  report: workerReport.nullable(),
  denials: list(permissionDenial),
  turns: z.int().nullable(),
  exitCode: z.int().nullable(),
  signal: z.string().nullable(),
  resetsAt: z
    .number()
    .nullable()
    .describe('Unix milliseconds at which a usage limit resets, where that is known'),
  outage: z.boolean().describe('the API or the network failed'),
  contextTokens: z.int().nullable().describe('what the session held at its last reply'),
  ...endFields,
  commit: z.string().nullable().describe('the commit that landed'),
}) satisfies z.ZodType<AttemptEnd>;

/** One try at one task. */
export const attempt = shape('Attempt', 'one try at one task, as it is stored', {
  id: z.int(),
  runId: z.string(),
  taskId,
  number: z.int().describe('1 for the first try at the task, across runs'),
  sessionId: z.string().describe('the Claude session'),
  resumed: z.boolean().describe('it went on in the session of an earlier attempt'),
  forkedFrom: z.string().nullable().describe('the session that it began as a copy of'),
  model: z.string(),
  directory: z.string().describe('where the worker works'),
  branch: z.string().nullable().describe('null where workers share a directory, as is `base`'),
  base: z.string().nullable().describe('the commit that it began at'),
  maxCostUsd: usd.nullable().describe('what was held of the budget for it; null without a ceiling'),
  landing: z.string().nullable().describe('the commit that was about to land, written down before it did'),
  files: z.string().describe('the folder of its prompt, transcript and stderr'),
  process: processIdentity.nullable(),
  phase,
  startedAt: moment,
  endedAt: moment.nullable(),
  end: attemptEnd.nullable().describe('null while it runs'),
}) satisfies z.ZodType<Attempt>;
