import { existsSync } from 'node:fs';
import type { LoadedConfig } from '../config/load-config.ts';
import { formatDue } from '../../domain/text/clock.ts';
import { describeLimit } from '../../domain/usage-limit.ts';
import { choosePayer } from '../../domain/billing.ts';
import type { Services } from '../services.ts';
import type { ClaudeCli } from '../claude/claude-cli.ts';
import type { Project } from '../project/project.ts';
import { accountsOf, openLedger, payersOf } from '../claude/accounts.ts';
import { ledgerFile } from '../project/user-data.ts';
import type { Finding, Findings } from './finding.ts';
import { canLoadDriver, NO_DRIVER } from './store.ts';

/** Whether a usage limit is in force that a run would wait for, as far as runs on this machine have met it. */
export function checkLimits(
  services: Services,
  project: Project,
  settings: LoadedConfig,
  claude: ClaudeCli,
  findings: Findings,
): Finding[] {
  const hasApiKey = settings.secrets.apiKey !== null;
  const loggedIn = claude.kind === 'found' ? claude.login?.loggedIn : undefined;
  const payer = choosePayer({ auth: settings.config.claude_cli.auth, hasApiKey, loggedIn });
  if (!payer.ok) return [findings.skipped('not checked: nobody is known who would pay')];
  if (!existsSync(ledgerFile(services))) return [findings.ok('no usage limit is known')];
  if (!canLoadDriver()) return [findings.skipped(NO_DRIVER)];
  const ledger = openLedger(
    services,
    project,
    accountsOf(services, settings, payersOf(payer.value, settings)),
  );
  try {
    const now = Date.now();
    const pause = ledger.pause();
    if (pause === undefined || pause.until <= now) return [findings.ok('no usage limit is in force')];
    const met = `${describeLimit([pause.window])} is reached, until ${formatDue(pause.until, now)}`;
    return settings.config.monitoring.check_usage_before_start
      ? [
          findings.warning(
            `${met}: a run waits for it`,
            'Nothing: it goes on by itself then. After a change of plan, set monitoring.check_usage_before_start to false to try at once.',
          ),
        ]
      : [findings.warning(`${met}; monitoring.check_usage_before_start is false, so a run tries at once`)];
  } finally {
    ledger.close();
  }
}
