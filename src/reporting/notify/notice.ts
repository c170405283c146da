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

/** Something a person is told. Its texts are safe to print and hold no secret. */
export interface Notice {
  /** Counts from 1 in a run: who gets one twice, since an answer was lost, can tell. */
  readonly id: number;
  readonly kind: NoticeKind;
  /** It does not wait for others. */
  readonly urgent: boolean;
  /** ISO 8601, UTC. */
  readonly at: string;
  /** Null where it is about the run. */
  readonly taskId: TaskId | null;
  /** One line. */
  readonly title: string;
  /** One line more; may be empty. */
  readonly detail: string;
}

/** Who is told. Telling can neither slow nor fail a run. */
export interface Receiver {
  tell(notice: Notice): void;
  /** Resolves when everything told so far is out, or cannot be. */
  close(): Promise<void>;
}

/** What goes to a channel at once. */
export interface Letter {
  /** The project's name. */
  readonly project: string;
  readonly runId: string;
  /** The oldest first; at least one. */
  readonly notices: readonly Notice[];
  /** How many there were besides, which were given up. */
  readonly dropped: number;
}
