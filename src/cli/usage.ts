import { homedir } from 'node:os';
import { join } from 'node:path';
import type { LoadedConfig } from '../config.ts';
import { describeKey } from '../manager/choose.ts';
import { apiKeyAccount, subscriptionAccount, type Account } from '../usage/account.ts';
import type { UsageLedger } from '../usage/ledger.ts';
import { openUsageLedger } from '../usage/sqlite-ledger.ts';
import { chooseManagerPayer, type Payer } from '../worker/billing.ts';
import type { Cli } from './cli.ts';
import type { Project } from './project.ts';

/** Who pays for whom. */
export interface Payers {
  readonly worker: Payer;
  readonly manager: Payer;
}

/** The ledger of this user, for the accounts that pay in a project. */
export function openLedger(
  cli: Cli,
  project: Project,
  settings: LoadedConfig,
  { worker, manager }: Payers,
): UsageLedger {
  return openUsageLedger({
    file: ledgerFile(cli),
    accounts: { worker: accountOf(cli, settings, worker), manager: accountOf(cli, settings, manager) },
    project: project.root,
    now: Date.now,
    warnings: process,
  });
}

/** Who pays in a run whose workers are paid for by `worker`. */
export function payersOf(worker: Payer, { config, secrets }: LoadedConfig): Payers {
  const { via } = config.models.manager;
  return { worker, manager: chooseManagerPayer(worker, { hasApiKey: secrets.apiKey !== null, via }) };
}

/**
 * Who is likely to pay, without asking the Claude CLI for its login: where that decides, the two are told apart, so
 * that what is known of either account is seen.
 */
export function likelyPayers({ config, secrets }: LoadedConfig): Payers {
  const { auth } = config.claude_cli;
  const hasOwnKey =
    secrets.apiKey !== null && (config.models.manager.via !== 'cli' || auth !== 'subscription');
  return {
    worker: auth === 'api_key' ? 'api_key' : 'subscription',
    manager: hasOwnKey ? 'api_key' : 'subscription',
  };
}

function accountOf(cli: Cli, { config, secrets, environment }: LoadedConfig, payer: Payer): Account {
  const whole = { ...environment, ...config.claude_cli.environment };
  if (payer === 'subscription' || secrets.apiKey === null)
    return subscriptionAccount({ environment: whole, home: home(cli) }, 'Claude subscription');
  return apiKeyAccount(secrets.apiKey, whole, describeKey(secrets.apiKey));
}

/** Where the ledger is kept, by the customs of the platform. */
function ledgerFile(cli: Cli): string {
  const given = cli.env['XDG_STATE_HOME'];
  const custom = cli.platform === 'darwin' ? ['Library', 'Application Support'] : ['.local', 'state'];
  const root = given !== undefined && given.startsWith('/') ? given : join(home(cli), ...custom);
  return join(root, 'claude-orchestrator', 'usage.db');
}

function home({ env }: Cli): string {
  const given = env['HOME'];
  return given === undefined || given === '' ? homedir() : given;
}
