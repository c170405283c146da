import type { ProcessIdentity } from '../domain/attempt.ts';
import type { PayingAccounts } from '../domain/event.ts';
import type { GovernorOptions } from './governor.ts';
import type { RetryOptions } from './retry-policy.ts';
import type { FailureMode } from './scheduler.ts';
import type { TaskId } from '../domain/task.ts';

/** What a run is told: how much at once, at what price, how patiently, and where. */
export interface RunOptions extends RetryOptions, GovernorOptions {
  readonly runId: string;
  readonly process: ProcessIdentity;
  readonly workers: number;
  /** Only these tasks; groups stand for their subtasks. All tasks if left away. */
  readonly only?: readonly TaskId[];
  readonly failureMode: FailureMode;
  /** Who pays for what, for people. */
  readonly billing: string;
  /** Whose limits and usage count. */
  readonly accounts: PayingAccounts;
  readonly workerModel: string;
  /** Where workers work. */
  readonly directory: string;
  /** The folder that gets a folder for each run, with one for each of its attempts. */
  readonly filesRoot: string;
  /** How often changes by other processes are looked for. */
  readonly pollMs: number;
}
