import type { AttemptEnd, Phase, WorkerReport } from '../../domain/attempt.ts';
import type { Stamped } from '../../domain/event.ts';
import type { TaskId } from '../../domain/task.ts';

/** Something that a transcript tells; `agent` is the tool call of the agent that did it, null for the worker itself. */
export type TranscriptEntry =
  | { readonly type: 'text'; readonly agent: string | null; readonly text: string }
  | {
      readonly type: 'tool';
      readonly agent: string | null;
      readonly id: string | null;
      readonly name: string;
      readonly input: Readonly<Record<string, unknown>>;
    }
  | {
      readonly type: 'result';
      readonly agent: string | null;
      /** Of the tool call it answers, where that is known. */
      readonly id: string | null;
      readonly name: string | null;
      readonly failed: boolean;
      readonly text: string;
    }
  /** The CLI waits before it asks the API again. */
  | { readonly type: 'retry'; readonly text: string }
  | { readonly type: 'error'; readonly text: string }
  | { readonly type: 'report'; readonly report: WorkerReport }
  /** What stands in the transcript besides JSON, or is said about it. */
  | { readonly type: 'note'; readonly text: string };

/** A line of `logs --json`: how the attempt began, what its transcript tells, how it ended. */
export type LogEntry =
  | TranscriptEntry
  | {
      readonly type: 'attempt';
      readonly taskId: TaskId;
      readonly title: string;
      readonly number: number;
      readonly runId: string;
      readonly sessionId: string;
      readonly resumed: boolean;
      readonly forkedFrom: string | null;
      /** Whose session that is, for people. */
      readonly session: string;
      /** Why its task went next. */
      readonly began: string;
      readonly model: string;
      readonly directory: string;
      readonly branch: string | null;
      readonly transcript: string;
      readonly startedAt: string;
    }
  /** What is done with it now; the last entry of an attempt that has not ended. */
  | { readonly type: 'phase'; readonly phase: Phase }
  /** What stopped its run while it worked. */
  | { readonly type: 'meanwhile'; readonly event: Stamped }
  /** The first signs of trouble, where it failed. */
  | { readonly type: 'signs'; readonly signs: readonly string[] }
  /** What was decided after it. */
  | { readonly type: 'then'; readonly event: Stamped }
  | { readonly type: 'end'; readonly endedAt: string | null; readonly end: AttemptEnd };
