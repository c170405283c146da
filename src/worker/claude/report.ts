import { z } from 'zod';
import type { WorkerReport } from '../../domain/attempt.ts';

const reportSchema = z.object({
  status: z.enum(['completed', 'blocked', 'nothing-to-do']),
  summary: z.string(),
  handover: z.string().optional().default(''),
  followUps: z.array(z.string()).optional().default([]),
});

/** The JSON Schema of the worker's final report, which the CLI enforces. */
export const REPORT_JSON_SCHEMA = JSON.stringify({
  type: 'object',
  additionalProperties: false,
  required: ['status', 'summary', 'handover', 'followUps'],
  properties: {
    status: {
      type: 'string',
      enum: ['completed', 'blocked', 'nothing-to-do'],
      description:
        'completed: the task is done and you checked it. nothing-to-do: it was done already, you changed nothing. blocked: you cannot do it; the summary says why.',
    },
    summary: { type: 'string', description: 'What you did, or why you could not, in one or two sentences.' },
    handover: {
      type: 'string',
      description: 'What whoever builds on this must know: names, files, decisions. Empty if nothing.',
    },
    followUps: {
      type: 'array',
      items: { type: 'string' },
      description: 'Work you noticed that is not part of this task.',
    },
  },
});

/** Parses the report that a worker gave. Undefined if it does not have the required form. */
export function parseReport(value: unknown): WorkerReport | undefined {
  const parsed = reportSchema.safeParse(value);
  return parsed.success ? parsed.data : undefined;
}
