import type { Cli } from '../cli.ts';
import type { Project } from '../project.ts';
import type { Circumstances } from './limits.ts';

/** What is looked at until `close`. */
export interface OpenCircumstances extends Circumstances {
  close(): void;
}

/** Opens what is known of who pays and what may be spent; starts nothing, and fails for no configuration. */
export async function openCircumstances(cli: Cli, project: Project): Promise<OpenCircumstances> {
  const { loadConfig } = await import('../../config.ts');
  const { configFile: file, envFile } = project;
  const loaded = loadConfig({ file, envFile, env: cli.env, flags: {} });
  // What is wrong with a configuration is for the commands to say that act on it.
  if (!loaded.ok) return UNKNOWN;
  const settings = loaded.value;
  const { likelyPayers, openLedger } = await import('../usage.ts');
  const payers = likelyPayers(settings);
  const ledger = openLedger(cli, project, settings, payers);
  const { max_cost_usd: maxCostUsd, max_cost_per_task_usd: maxCostPerTaskUsd } = settings.config.budget;
  return {
    ledger,
    hasPlan: payers.worker === 'subscription' || payers.manager === 'subscription',
    maxCostUsd,
    maxCostPerTaskUsd,
    close: () => ledger.close(),
  };
}

/** Where nothing was looked up. */
export const UNKNOWN: OpenCircumstances = {
  ledger: null,
  hasPlan: true,
  maxCostUsd: null,
  maxCostPerTaskUsd: null,
  close: () => undefined,
};
