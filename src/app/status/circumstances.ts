import type { Stamped } from '../../domain/event.ts';
import type { TaskStore } from '../../store/store.ts';
import type { UsageLedger } from '../../usage/ledger.ts';
import type { Services } from '../services.ts';
import { knownSizeOfAttempts } from '../project/transcripts.ts';
import type { Project } from '../project/project.ts';
import { ledgerFile } from '../project/user-data.ts';
import type { Circumstances } from './limits.ts';

/** What is looked at until `close`. */
export interface OpenCircumstances {
  /** Those of the last run as it is now. */
  current(): Circumstances;
  close(): void;
}

type RunStarted = Extract<Stamped, { type: 'run-started' }>;

/** Opens what is known of who pays and what may be spent, as the last run was started; starts nothing itself. */
export async function openCircumstances(
  services: Services,
  project: Project,
  store: TaskStore,
): Promise<OpenCircumstances> {
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

/** Where nothing was looked up. */
export const UNKNOWN: OpenCircumstances = {
  current: () => ({
    ledger: null,
    hasPlan: true,
    maxCostUsd: null,
    maxCostPerTaskUsd: null,
    transcripts: null,
  }),
  close: () => undefined,
};
