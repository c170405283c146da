import { z } from 'zod';
import { attemptEnd, phase, workerReport } from './attempt.ts';
import { stampedEvent } from './event.ts';
import { list, moment, useCase } from './shape.ts';
import { taskId } from './task.ts';

/** What `logs` is asked. */
export const logsRequest = z.object({
  id: z.string().describe('a task: `3`, `3.2`'),
  attempt: z
    .string()
    .exactOptional()
    .describe('the number of an earlier one; the newest where it is left out'),
  follow: z.boolean().exactOptional().describe('go on until the attempt has ended'),
  raw: z.boolean().exactOptional().describe('the transcript as Claude printed it, as bytes'),
});
export type LogsRequest = z.infer<typeof logsRequest>;

const agent = z.string().nullable().describe('the tool call whose agent did it, null for the worker itself');

/** Something that a transcript tells. */
const transcriptEntry = [
  z.object({ type: z.literal('text'), agent, text: z.string() }).describe('what was said'),
  z
    .object({
      type: z.literal('tool'),
      agent,
      id: z.string().nullable(),
      name: z.string(),
      input: z.record(z.string(), z.unknown()).readonly(),
    })
    .describe('a tool was called'),
  z
    .object({
      type: z.literal('result'),
      agent,
      id: z.string().nullable().describe('of the tool call, where that is known'),
      name: z.string().nullable(),
      failed: z.boolean(),
      text: z.string(),
    })
    .describe('what came of a tool call'),
  z.object({ type: z.literal('retry'), text: z.string() }).describe('the API is asked again after a while'),
  z.object({ type: z.literal('error'), text: z.string() }).describe('the API or the CLI failed'),
  z.object({ type: z.literal('report'), report: workerReport }).describe("the worker's report"),
  z
    .object({ type: z.literal('note'), text: z.string() })
    .describe('what stands in the transcript besides JSON, or why there is nothing'),
] as const;
export type TranscriptEntry = z.infer<(typeof transcriptEntry)[number]>;

/** A line of `logs --json`: how the attempt began, what its transcript tells, how it ended. */
export const logEntry = z
  .discriminatedUnion('type', [
    z
      .object({
        type: z.literal('attempt'),
        taskId,
        title: z.string(),
        number: z.int(),
        runId: z.string(),
        sessionId: z.string(),
        resumed: z.boolean(),
        forkedFrom: z.string().nullable().describe('the session that it began as a copy of'),
        session: z.string().describe('whose session that is, for people'),
        began: z.string().describe('why its task went next'),
        model: z.string(),
        directory: z.string(),
        branch: z.string().nullable(),
        transcript: z.string().describe('its file'),
        startedAt: moment,
      })
      .describe('the first line'),
    ...transcriptEntry,
    z
      .object({ type: z.literal('phase'), phase })
      .describe('with `--follow` at each change; the last line where the attempt has not ended'),
    z
      .object({ type: z.literal('meanwhile'), event: stampedEvent })
      .describe('what stopped its run while it worked'),
    z
      .object({ type: z.literal('signs'), signs: list(z.string()) })
      .describe('the first signs of trouble, where it failed'),
    z
      .object({ type: z.literal('end'), endedAt: moment.nullable(), end: attemptEnd })
      .describe('how it ended'),
    z.object({ type: z.literal('then'), event: stampedEvent }).describe('what was decided after it'),
  ])
  .describe('One JSON object a line. With `--raw` the lines are those of the Claude CLI, as it wrote them.');
export type LogEntry = z.infer<typeof logEntry>;

export const logsUseCase = useCase({ request: logsRequest, report: logEntry, inLines: true });
