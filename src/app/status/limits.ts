import type { KnownSize } from '../project/transcripts.ts';
import type { UsageLedger } from '../../usage/ledger.ts';
import type { RunStatus, StatusReport } from '../contract/status.ts';

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
