import type { z } from 'zod';
import type { GateVerdict, ModelUsage, Review, WorkerReport } from '../domain/attempt.ts';
import type { Failure } from '../domain/failure.ts';
import type { Result } from '../domain/result.ts';
import type { Task } from '../domain/task.ts';
import type { ChangeText } from '../workspace/workspace.ts';

/** A reply after mending. */
export interface Mended<T> {
  readonly value: T;
  /** What was mended in it, for people. */
  readonly notes: readonly string[];
}

/** How a reply is read: its form, and what can be mended in a reply of this form. */
export interface ReplyForm<T> {
  readonly schema: z.ZodType<T>;
  mend?(value: T): Mended<T>;
}

/** One structured question to the manager's model. Its form is sent along as a JSON Schema, and the reply is read by it. */
export interface Question<T> extends ReplyForm<T> {
  /** `parse`, `add`, `expand`, `plan` or `review`, for logs and for the record of calls. */
  readonly purpose: string;
  /** The task that it is about, if it is about one. */
  readonly taskId?: string;
  /** Instructions. They are the same bytes for every question of a purpose, so that the API's prompt cache works. */
  readonly system: string;
  /** The data. Everything that came from outside is between delimiters. */
  readonly prompt: string;
  /** An earlier reply to the same question with everything that was wrong with it. */
  readonly correction?: { readonly reply: string; readonly problems: readonly string[] };
  /** Lets the manager read the repository and the web. */
  readonly research?: boolean;
}

/** A reply that has the required form. */
export interface Answer<T> {
  readonly value: T;
  /** The reply as it came, for a correction turn. */
  readonly text: string;
  readonly usage: readonly ModelUsage[];
  /** What was mended in the reply, for people. */
  readonly notes: readonly string[];
  /** Web addresses and files that the manager looked at. Empty without `research`. */
  readonly sources: readonly string[];
  readonly durationMs: number;
}

/** Why a question got no usable reply, and what it cost. */
export interface ManagerFailure {
  readonly failure: Failure;
  /** What it cost nevertheless. */
  readonly usage: readonly ModelUsage[];
  readonly durationMs: number;
  /** Set if a reply had the wrong form: the reply and what was wrong with it, for a correction turn. */
  readonly invalid?: { readonly reply: string; readonly problems: readonly string[] };
  /** What arrived of a reply that broke off. */
  readonly fragment?: string;
}

/** The model that plans. Each call gets one structured reply. Retries and time limits are left to the adapter. */
export interface Manager {
  /** For people: the model and how it is reached, e.g. `opus (claude-opus-5-5) via API key …abcd`. */
  readonly description: string;
  /** The largest prompt it takes, in bytes of UTF-8. */
  readonly maxPromptBytes: number;
  /** It has one reply for whatever it is asked, so asking again is of no use. */
  readonly isFixed?: true;
  ask<T>(question: Question<T>, signal: AbortSignal): Promise<Result<Answer<T>, ManagerFailure>>;
}

/** Everything that a review is told about a change. */
export interface ReviewRequest {
  readonly task: Task;
  /** The task's group, if it is a subtask. */
  readonly parent: Task | null;
  /** What the worker says about its work. */
  readonly report: WorkerReport;
  /** The commit of the change. Null if nothing changed. */
  readonly commit: string | null;
  readonly files: readonly string[];
  /** In the first round the whole change, later what was added to it since the round before. */
  readonly change: ChangeText;
  readonly gates: readonly GateVerdict[];
  /** The shell commands that the worker ran, in order, and whether each failed. Its claims are checked against them. */
  readonly commands: readonly { readonly command: string; readonly failed: boolean }[];
  /** The round before, with its open findings. Its `round` is 0 if that was in an earlier run. */
  readonly previous: Review | null;
  readonly maxRounds: number;
}

/** Decides whether a change does what its task asks. */
export interface Reviewer {
  /** The failure says why the manager did not answer. It says nothing about the change. */
  review(request: ReviewRequest, signal: AbortSignal): Promise<Result<Review, Failure>>;
}
