import type { Stamped } from '../../domain/event.ts';
import type { TaskStore } from '../../store/store.ts';
import type { UsageLedger } from '../../usage/ledger.ts';
import type { RunStatus, StatusReport } from '../contract/status.ts';
import type { Project } from '../project/project.ts';
import { knownSizeOfAttempts, type KnownSize } from '../project/transcripts.ts';
import { ledgerFile } from '../project/user-data.ts';
import type { Services } from '../services.ts';

/** What holds for a project beside its store: who pays, and what may be spent. */
export interface AccountState {
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
  { ledger, hasPlan, maxCostUsd, maxCostPerTaskUsd }: AccountState,
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

/** What is known of the accounts, until `close`. */
export interface Accounts {
  /** Of the last run as it is now. */
  current(): AccountState;
  close(): void;
}

type RunStarted = Extract<Stamped, { type: 'run-started' }>;

/** Opens what is known of who pays and what may be spent, as the last run was started; starts nothing itself. */
export async function openAccounts(
  services: Services,
  project: Project,
  store: TaskStore,
): Promise<Accounts> {
  const { openUsageLedger } = await import('../../usage/sqlite-ledger.ts');
  let started: RunStarted | undefined;
  let ledger: UsageLedger | null = null;
  const look = (): void => {
    const run = store.lastRun();
    if (run === undefined || run.id === started?.runId) return;
    const event = store.events({ runId: run.id, types: ['run-started'] })[0];
    started = event?.type === 'run-started' ? event : undefined;
    const accounts = started?.accounts;
    ledger?.close();
    ledger =
      accounts === undefined
        ? null
        : openUsageLedger({
            file: ledgerFile(services),
            accounts,
            project: project.root,
            now: Date.now,
          });
  };
  return {
    current() {
      look();
      return {
        ledger,
        hasPlan:
          started?.accounts === undefined ||
          Object.values(started.accounts).some(({ id }) => !id.startsWith('key-')),
        maxCostUsd: started?.maxCostUsd ?? null,
        maxCostPerTaskUsd: started?.maxCostPerTaskUsd ?? null,
        transcripts: knownSizeOfAttempts(project),
      };
    },
    close: () => ledger?.close(),
  };
}
