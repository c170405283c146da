import type { ModelUsage } from '../domain/attempt.ts';
import type { LimitObservation, LimitPause, UsageWindow } from '../domain/usage-limit.ts';

/** Who uses an account: workers and the manager may be paid for by different ones. */
export type Role = 'manager' | 'worker';

/** A window with what is known of it over time. Unix milliseconds. */
export interface SeenWindow extends UsageWindow {
  /** Who pays through it, for people: `Claude subscription`, `API key …abcd`. */
  readonly account: string;
  readonly seenAt: number;
  /**
   * The share of the window that one US dollar at list price takes, measured from when the window was seen first to
   * the last booking; null while too little was seen to tell. Whatever else uses the account makes it larger.
   */
  readonly sharePerUsd: number | null;
}

/** What was used, for what. */
export interface UsageEntry {
  readonly role: Role;
  readonly runId: string | null;
  readonly taskId: string | null;
  readonly usage: readonly ModelUsage[];
}

/**
 * What the accounts that a run uses have used, and what the API said of their limits. One file for a user, shared by
 * all projects and runs on this machine; any number of processes may use it at the same time. Every method is
 * synchronous and never throws: where the file cannot be used, this process goes on with what it knows itself.
 */
export interface UsageLedger {
  /** Why the file is not used any more, for people; null while it is. Limits that other processes meet go unseen then. */
  readonly problem: string | null;
  /** Takes what the API said to the account that pays for `role`. */
  observe(role: Role, observation: LimitObservation): void;
  book(entry: UsageEntry): void;
  /** The windows of the accounts in use that have not been reset since they were seen, plans' first. */
  windows(): readonly SeenWindow[];
  /** Until when nothing may start, the longest of the accounts in use; undefined if something may. */
  pause(): LimitPause | undefined;
  /** What the accounts in use have used since then (Unix milliseconds), in all projects; one sum a model. */
  usedSince(since: number): readonly ModelUsage[];
  close(): void;
}
