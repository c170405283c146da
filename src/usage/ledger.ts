import type { ModelUsage } from '../domain/attempt.ts';
import type { LimitObservation, LimitPause, UsageWindow } from '../domain/usage-limit.ts';

/** Who uses an account. Different accounts may pay for workers and for the manager. */
export type Role = 'manager' | 'worker';

/** A window with what is known of it over time. Times are Unix milliseconds. */
export interface SeenWindow extends UsageWindow {
  /** The account that pays through it, for people: `Claude subscription`, `API key …abcd`. */
  readonly account: string;
  readonly seenAt: number;
  /**
   * The share of the window that one US dollar at list price takes, measured from when the window was first seen to the
   * last booking; null while too little was seen. Other use of the same account makes it larger.
   */
  readonly sharePerUsd: number | null;
}

/** What was used, and for what. */
export interface UsageEntry {
  readonly role: Role;
  readonly runId: string | null;
  readonly taskId: string | null;
  readonly usage: readonly ModelUsage[];
}

/**
 * The usage ledger: what the accounts of a run have used, and what the API said of their limits. It is one file for a
 * user, shared by all projects and runs on this machine, and any number of processes may use it at once. Every method
 * is synchronous and never throws: if the file cannot be used, this process goes on with what it knows itself.
 */
export interface UsageLedger {
  /**
   * Why the file is no longer used, for people; null while it is used. Without it, the limits that other processes
   * meet are not seen.
   */
  readonly problem: string | null;
  /** Stores what the API said of the account that pays for `role`. */
  observe(role: Role, observation: LimitObservation): void;
  book(entry: UsageEntry): void;
  /** The windows of the accounts in use that have not been reset since they were seen, plans' first. */
  windows(): readonly SeenWindow[];
  /** The pause in which nothing may start, the longest of the accounts in use; undefined if something may start. */
  pause(): LimitPause | undefined;
  /** What the accounts in use have used since a time (Unix milliseconds), in all projects; a sum for each model. */
  usedSince(since: number): readonly ModelUsage[];
  close(): void;
}
