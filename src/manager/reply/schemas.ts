import { z } from 'zod';
import { SEVERITIES } from '../../domain/attempt.ts';
import { PRIORITIES, RISKS, SIZES } from '../../domain/task.ts';

/** The most tasks that one reply may hold. */
const MAX_TASKS = 300;
const MAX_PLANNED_TASKS = 5_000;

/** Ids are checked where they are used, so that all of a reply's problems are found together. */
const id = z.string().max(100);

const plan = {
  size: z.enum(SIZES),
  estimateMinutes: z.number().min(0.5).max(600),
  touches: z.array(z.string().max(300)).max(50),
  risk: z.enum(RISKS),
};

const text = {
  title: z.string().max(200),
  description: z.string().max(4_000),
  details: z.string().max(20_000),
  testStrategy: z.string().max(8_000),
  priority: z.enum(PRIORITIES),
  dependencies: z.array(id).max(200),
};

/** A task as the manager writes it, without an id. */
export const writtenTaskSchema = z.strictObject({ ...text, ...plan });
export type WrittenTask = z.infer<typeof writtenTaskSchema>;

const draft = z.strictObject({ id, ...text, ...plan });

/** The reply to a PRD. */
export const parseReplySchema = z.strictObject({ tasks: z.array(draft).max(MAX_TASKS) });

/** The reply to a task that is to be split. `sources` are those that the manager says it relied on. */
export const expandReplySchema = z.strictObject({
  tasks: z.array(draft).max(MAX_TASKS),
  sources: z.array(z.string().max(2_000)).max(50),
});

/** The reply to stored tasks that are to be planned. `dependencies` are those that it adds. */
export const planReplySchema = z.strictObject({
  tasks: z.array(z.strictObject({ id, ...plan, dependencies: z.array(id).max(200) })).max(MAX_PLANNED_TASKS),
});

/** The most findings of one review. */
const MAX_FINDINGS = 60;

/** The reply to a change that is to be reviewed. An empty `file` and a `line` of 0 mean none. */
export const reviewReplySchema = z.strictObject({
  findings: z
    .array(
      z.strictObject({
        id: z.string().max(100),
        severity: z.enum(SEVERITIES),
        file: z.string().max(4_096),
        line: z.int().min(0),
        title: z.string().max(1_000),
        evidence: z.string().max(10_000),
      }),
    )
    .max(MAX_FINDINGS),
  resolved: z.array(z.string().max(100)).max(10 * MAX_FINDINGS),
  summary: z.string().max(10_000),
  verdict: z.enum(['approved', 'rejected']),
});
export type ReviewReply = z.infer<typeof reviewReplySchema>;

/** Describes the problems of a reply that does not have the required form, each with its place. */
export function describeFormProblems(error: z.ZodError): string[] {
  return error.issues.map((issue) => {
    const where = issue.path.map(String).join('.');
    return `${where === '' ? 'The reply' : where}: ${issue.message}`;
  });
}
