import { readFile, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { PRIORITIES, RISKS, SIZES, TASK_STATUSES } from '../../domain/task.ts';
import type { Assignment } from '../worker.ts';

const text = z.string();
const taskSchema = z.object({
  id: text,
  tag: text,
  title: text,
  description: text,
  details: text,
  testStrategy: text,
  priority: z.enum(PRIORITIES),
  status: z.enum(TASK_STATUSES),
  dependencies: z.array(text),
  size: z.enum(SIZES).nullable(),
  estimateMinutes: z.number().nullable(),
  touches: z.array(text),
  risk: z.enum(RISKS).nullable(),
  createdAt: text,
  updatedAt: text,
});
const findingSchema = z.object({
  id: text,
  severity: z.enum(['blocker', 'major', 'minor']),
  file: text.nullable(),
  line: z.number().nullable(),
  title: text,
  evidence: text,
});
const reviewSchema = z.object({
  round: z.number(),
  verdict: z.enum(['approved', 'rejected']),
  summary: text,
  findings: z.array(findingSchema),
  commit: text.nullable(),
});
const fileSchema = z.object({
  task: taskSchema,
  parent: taskSchema.nullable().default(null),
  review: reviewSchema.nullable().default(null),
  earlierFiles: z.array(text).default([]),
  resumed: z.boolean(),
});

/** What an attempt was started with. It is kept so that another orchestrator can finish the attempt. */
export interface AssignmentRecord extends Pick<Assignment, 'task' | 'parent' | 'review' | 'earlierFiles'> {
  /** True if its process resumed a session, which had costs before. */
  readonly resumed: boolean;
}

/** Writes the record into the attempt's folder. */
export async function writeAssignment(path: string, record: AssignmentRecord): Promise<void> {
  await writeFile(path, JSON.stringify(record), { mode: 0o600 });
}

/** Reads the record. Undefined if the attempt was not started, or its folder is gone. */
export async function readAssignment(path: string): Promise<AssignmentRecord | undefined> {
  const content = await readFile(path, 'utf8').catch(() => undefined);
  if (content === undefined) return undefined;
  try {
    const parsed = fileSchema.safeParse(JSON.parse(content));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}
