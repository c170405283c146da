import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Cli } from './cli.ts';

/** Where the usage ledger of this user is kept, by the customs of the platform. */
export function ledgerFile(cli: Pick<Cli, 'env' | 'platform'>): string {
  const given = cli.env['XDG_STATE_HOME'];
  const custom = cli.platform === 'darwin' ? ['Library', 'Application Support'] : ['.local', 'state'];
  const root = given !== undefined && given.startsWith('/') ? given : join(homeOf(cli), ...custom);
  return join(root, 'claude-orchestrator', 'usage.db');
}

/** The home directory of this user. */
export function homeOf({ env }: Pick<Cli, 'env'>): string {
  const given = env['HOME'];
  return given === undefined || given === '' ? homedir() : given;
}
