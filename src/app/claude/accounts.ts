import type { LoadedConfig } from '../config/load-config.ts';
import { describeKey } from '../../manager/choose-manager.ts';
import { apiKeyAccount, subscriptionAccount, type Account } from '../../usage/account.ts';
import type { Role, UsageLedger } from '../../usage/ledger.ts';
import { openUsageLedger } from '../../usage/sqlite-ledger.ts';
import { chooseManagerPayer, type Payer } from '../../domain/billing.ts';
import type { Services } from '../services.ts';
import { homeOf, ledgerFile } from '../project/user-data.ts';
import type { Project } from '../project/project.ts';

/** Who pays for whom. */
export interface Payers {
  readonly worker: Payer;
  readonly manager: Payer;
}

/** The accounts of those who pay. */
export function accountsOf(
  services: Services,
  settings: LoadedConfig,
  { worker, manager }: Payers,
): Record<Role, Account> {
  return { worker: accountOf(services, settings, worker), manager: accountOf(services, settings, manager) };
}

/** The ledger of this user, for the accounts that pay in a project. */
export function openLedger(
  services: Services,
  project: Project,
  accounts: Readonly<Record<Role, Account>>,
): UsageLedger {
  return openUsageLedger({
    file: ledgerFile(services),
    accounts,
    project: project.root,
    now: Date.now,
  });
}

/** Who pays for workers and manager in a run whose workers are paid for by `worker`. */
export function choosePayers(worker: Payer, { config, secrets }: LoadedConfig): Payers {
  const { via } = config.models.manager;
  return { worker, manager: chooseManagerPayer(worker, { hasApiKey: secrets.apiKey !== null, via }) };
}

function accountOf(
  services: Services,
  { config, secrets, environment }: LoadedConfig,
  payer: Payer,
): Account {
  const whole = { ...environment, ...config.claude_cli.environment };
  if (payer === 'subscription' || secrets.apiKey === null)
    return subscriptionAccount({ environment: whole, home: homeOf(services) }, 'Claude subscription');
  return apiKeyAccount(secrets.apiKey, whole, describeKey(secrets.apiKey));
}
