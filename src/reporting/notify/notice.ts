import type { TaskId } from '../../domain/task.ts';

/** What a notice is about. */
export type NoticeKind =
  | 'task-complete'
  | 'task-failed'
  | 'run-ended'
  | 'paused'
  | 'resumed'
  | 'budget-reached'
  | 'usage-warning'
  | 'needs-person';

/** A message to a person about a run. Its texts are safe to print and hold no secret. */
export interface Notice {
  /** Counts from 1 in a run, so that a receiver can tell a notice that it gets twice because an answer was lost. */
  readonly id: number;
  readonly kind: NoticeKind;
  /** Sent at once; other notices are collected for a while. */
  readonly urgent: boolean;
  /** ISO 8601, UTC. */
  readonly at: string;
  /** Null if the notice is about the run. */
  readonly taskId: TaskId | null;
  /** One line. */
  readonly title: string;
  /** One more line; may be empty. */
  readonly detail: string;
}

/** A destination of notices, such as Slack. It can neither slow down nor fail a run. */
export interface Receiver {
  notify(notice: Notice): void;
  /** Resolves when every notice so far was delivered, or cannot be. */
  close(): Promise<void>;
}

/** The notices that go to a channel in one message. */
export interface NoticeBatch {
  /** The project's name. */
  readonly project: string;
  readonly runId: string;
  /** The oldest first; at least one. */
  readonly notices: readonly Notice[];
  /** How many notices before these were dropped. */
  readonly dropped: number;
}
