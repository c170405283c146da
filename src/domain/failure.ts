/** Why a command failed; the command line maps each reason to an exit code. */
export type FailureReason =
  | 'wrong-usage'
  | 'config-invalid'
  | 'no-project'
  | 'file-unreadable'
  | 'file-unwritable'
  | 'store-unusable'
  | 'repository-unusable'
  | 'task-not-found'
  | 'task-needed'
  | 'dependency-cycle'
  | 'plan-invalid'
  | 'prd-too-large'
  | 'run-in-progress'
  | 'cli-missing'
  | 'unauthenticated'
  | 'billing'
  | 'model-unavailable'
  | 'usage-limited'
  | 'over-budget'
  | 'manager-unavailable'
  | 'interrupted'
  | 'system-error';

/** An expected failure that a person can act on. */
export interface Failure {
  readonly reason: FailureReason;
  /** What happened, and where. */
  readonly message: string;
  /** What to do next. */
  readonly fix?: string;
  /** When the limit that refused the call resets, in Unix milliseconds, where that is known. */
  readonly resetsAt?: number;
}

/** Carries a {@link Failure} up to the one place that prints it, `cli/main.ts`. */
export class Failed extends Error {
  override readonly name = 'Failed';
  readonly failure: Failure;

  constructor(failure: Failure, options?: ErrorOptions) {
    super(failure.message, options);
    this.failure = failure;
  }
}

/** Throws a {@link Failed}. */
export function fail(reason: FailureReason, message: string, fix?: string): never {
  throw new Failed({ reason, message, ...(fix === undefined ? {} : { fix }) });
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
