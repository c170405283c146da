import { join } from 'node:path';
import type { Presentation } from '../../reporting/terminal/display.ts';
import { createDisplay } from '../../reporting/terminal/display.ts';
import { fanOut } from '../../reporting/fan-out.ts';
import { createLogReporter } from '../../reporting/log/log-reporter.ts';
import type { Reporter } from '../../reporting/reporter.ts';
import { withoutBlocking } from '../../reporting/terminal/output.ts';
import type { Redact } from '../../domain/redact.ts';
import type { UsageLedger } from '../../usage/ledger.ts';
import type { ProcessTable } from '../../worker/process/process-table.ts';
import { notificationReporters } from './notifications.ts';
import type { RunContext } from './job.ts';

/** What those need who tell of a run. */
export interface TellingParts {
  readonly runId: string;
  readonly presentation: Presentation;
  readonly processes: ProcessTable;
  readonly ledger: UsageLedger;
  readonly redact: Redact;
  /** Records a warning, which all of them tell. */
  readonly warn: (message: string) => void;
}

/** Everyone who tells of a run: the display, the log, and who is to be told elsewhere. */
export async function runReporters(
  { cli, project, settings }: RunContext,
  parts: TellingParts,
): Promise<Reporter> {
  const { presentation, ledger, redact, warn } = parts;
  const now = Date.now;
  // One for all who write to the terminal: what they write must not mix, nor wait for it.
  const stream = withoutBlocking(cli.stdout);
  const display = await createDisplay(presentation, {
    stream,
    now,
    windows: () => ledger.windows(),
  });
  const log = createLogReporter({
    folder: join(project.stateFolder, 'logs'),
    level: presentation.level === 'verbose' ? 'debug' : 'info',
    pid: cli.pid,
    now,
    warn,
  });
  const isTerminal = cli.stdout.isTTY === true && presentation.kind !== 'ndjson';
  const terminal = isTerminal ? stream : undefined;
  const others = notificationReporters(cli, { ...parts, project, settings, terminal });
  return fanOut([display, log, ...others], { redact });
}
