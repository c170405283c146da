import type { KnownSize } from '../project/transcripts.ts';
import type { UsageWindow } from '../../domain/usage-limit.ts';
import type { UsageLedger } from '../../usage/ledger.ts';
import type { RunStatus, StatusReport } from './collect.ts';

/** What holds for a project beside its store. */
export interface Circumstances {
  /** Null where no run has told who pays. */
  readonly ledger: Pick<UsageLedger, 'windows' | 'pause' | 'usedSince'> | null;
  /** Whether one of those who pay may have a plan, with limits that are known after an answer. */
  readonly hasPlan: boolean;
  /** US dollars; null for no ceiling. */
  readonly maxCostUsd: number | null;
  readonly maxCostPerTaskUsd: number | null;
  /** What the transcripts take; null where no run has measured it. */
  readonly transcripts: KnownSize | null;
}

/** One window of an account's usage limits. */
export interface WindowStatus {
  /** Who pays through it: `Claude subscription`, `API key …abcd`. */
  readonly account: string;
  /** The API's name of it: `five_hour`, `seven_day`, …; with `api_` before it what a key may use in a minute. */
  readonly window: string;
  /** Null where it is not known. */
  readonly usedPercent: number | null;
  readonly status: UsageWindow['status'];
  /** ISO 8601, UTC; null where it is not known. */
  readonly resetsAt: string | null;
}

/** A limit that refuses everything on an account. */
export interface LimitStatus {
  /** ISO 8601, UTC. */
  readonly until: string;
  /** The API's name of the window that is exhausted; null where it is not known. */
  readonly window: string | null;
}

/** What may be spent, in US dollars at list price. */
export interface BudgetStatus {
  /** For a run and those that it continues; null for no ceiling. */
  readonly maxUsd: number | null;
  /** By the last run and those it continued, with what running attempts have used so far. */
  readonly spentUsd: number;
  readonly leftUsd: number | null;
  /** For all attempts at one task together; null for no ceiling. */
  readonly maxPerTaskUsd: number | null;
}

/** What is known of limits and budgets; `now` is in Unix milliseconds. */
export function limitsOf(
  { ledger, hasPlan, maxCostUsd, maxCostPerTaskUsd }: Circumstances,
  run: RunStatus | null,
  now: number,
): Pick<StatusReport, 'windows' | 'hasPlan' | 'limit' | 'budget'> {
  const pause = ledger?.pause();
  const spentUsd = run?.spentUsd ?? 0;
  return {
    hasPlan,
    windows: (ledger?.windows() ?? [])
      .filter(({ resetsAt }) => resetsAt === null || resetsAt > now)
      .map(({ account, name, utilization, status, resetsAt }) => ({
        account,
        window: name,
        usedPercent: utilization === null ? null : Math.round(utilization * 1000) / 10,
        status,
        resetsAt: resetsAt === null ? null : iso(resetsAt),
      })),
    limit:
      pause === undefined || pause.until <= now ? null : { until: iso(pause.until), window: pause.window },
    budget:
      maxCostUsd === null && maxCostPerTaskUsd === null
        ? null
        : {
            maxUsd: maxCostUsd,
            spentUsd,
            leftUsd: maxCostUsd === null ? null : Math.max(0, maxCostUsd - spentUsd),
            maxPerTaskUsd: maxCostPerTaskUsd,
          },
  };
}

function iso(time: number): string {
  return new Date(time).toISOString();
}
