import type { z } from 'zod';
import type { GateVerdict, ModelUsage, Review, WorkerReport } from '../domain/attempt.ts';
import type { Failure } from '../domain/failure.ts';
import type { Result } from '../domain/result.ts';
import type { Task } from '../domain/task.ts';
import type { ChangeText } from '../workspace/workspace.ts';

/** What was made of a reply. */
export interface Mended<T> {
  readonly value: T;
  /** What was mended in it, for people. */
  readonly notes: readonly string[];
}

/** How a reply is read: its form, and what can be mended in one that has it. */
export interface ReplyForm<T> {
  readonly schema: z.ZodType<T>;
  mend?(value: T): Mended<T>;
}

/** One structured question to the manager's model; its form is sent along as a JSON Schema, and the reply is read by it. */
export interface Question<T> extends ReplyForm<T> {
  /** `parse`, `add`, `expand`, `plan` or `review`; for logs and booking. */
  readonly purpose: string;
  /** The task it is about, where it is about one. */
  readonly taskId?: string;
  /** Instructions; the same bytes for every question of a purpose, so that the API's prompt cache works. */
  readonly system: string;
  /** The data, with everything that came from outside inside delimiters. */
  readonly prompt: string;
  /** An earlier reply to the same question with everything that was wrong with it. */
  readonly correction?: { readonly reply: string; readonly problems: readonly string[] };
  /** Lets the manager read the repository and the web. */
  readonly research?: boolean;
}

/** A reply that has the asked form. */
export interface Answer<T> {
  readonly value: T;
  /** The reply as it came, for a correction turn. */
  readonly text: string;
  readonly usage: readonly ModelUsage[];
  /** What was mended in the reply, for people. */
  readonly notes: readonly string[];
  /** Web addresses and files that were looked at; empty without `research`. */
  readonly sources: readonly string[];
  readonly durationMs: number;
}

/** Why a question got no usable reply, and what it cost. */
export interface ManagerFailure {
  readonly failure: Failure;
  /** What it cost all the same. */
  readonly usage: readonly ModelUsage[];
  readonly durationMs: number;
  /** Set where a reply came but had the wrong form: what it was, and what was wrong, for a correction turn. */
  readonly invalid?: { readonly reply: string; readonly problems: readonly string[] };
  /** What came of a reply that broke off. */
  readonly fragment?: string;
}

/** The model that plans: one call, one structured reply. Retries and time limits are the adapter's. */
export interface Manager {
  /** For people: which model over which route, e.g. `opus (claude-opus-5-5) via API key …abcd`. */
  readonly description: string;
  /** The largest prompt it takes, in bytes of UTF-8. */
  readonly maxPromptBytes: number;
  /** It has one reply and gives it whatever is asked, so there is no use in asking again. */
  readonly isFixed?: true;
  ask<T>(question: Question<T>, signal: AbortSignal): Promise<Result<Answer<T>, ManagerFailure>>;
}

/** Everything a review is told about a change. */
export interface ReviewRequest {
  readonly task: Task;
  /** The group the task belongs to, if it is a subtask. */
  readonly parent: Task | null;
  /** What the worker says of its work. */
  readonly report: WorkerReport;
  /** The commit of the change; null where nothing changed. */
  readonly commit: string | null;
  readonly files: readonly string[];
  /** The whole change in the first round, later what came to it since the round before. */
  readonly change: ChangeText;
  readonly gates: readonly GateVerdict[];
  /** The shell commands that the worker ran, in order, each with whether it succeeded: what its claims are held against. */
  readonly commands: readonly { readonly command: string; readonly failed: boolean }[];
  /** The round before with its open findings; its `round` is 0 where that was in an earlier run. */
  readonly previous: Review | null;
  readonly maxRounds: number;
}

/** Says whether a change does what its task asks. */
export interface Reviewer {
  /** The failure is what kept the manager from answering; it says nothing about the change. */
  review(request: ReviewRequest, signal: AbortSignal): Promise<Result<Review, Failure>>;
}
