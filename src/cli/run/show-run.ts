import { displayOn } from '../../app/display.ts';
import type { RunView } from '../../app/run/job.ts';
import type { RunReport } from '../../app/contract/run.ts';
import { formatSummary } from '../summary-text.ts';
import { EXIT, type Cli } from '../cli.ts';
import { stdoutWidth, useColor } from '../print.ts';
import type { RunCommandOptions } from './run-options.ts';

/** Shows a run on stdout as it goes, and its summary at the end. */
export function showRun(cli: Cli, options: RunCommandOptions): RunView {
  const json = options.json === true;
  const flags = {
    json,
    noProgress: options.progress === false,
    quiet: options.quiet === true,
    verbose: options.verbose === true,
    noColor: options.color === false,
    env: cli.env,
  };
  return displayOn({ ...flags, stream: cli.stdout }, (summary) => {
    const { outcome, done, failed, running, usage } = summary;
    // What could not even begin has nothing to sum up; the error that ended it says why, and what to do.
    const isBare = [done, failed, running, usage].every(({ length }) => length === 0);
    if (json) cli.stdout.write(`${JSON.stringify({ type: 'summary', ...summary })}\n`);
    else if (!isBare || outcome !== 'interrupted')
      cli.stdout.write(
        `\n${formatSummary(summary, { columns: stdoutWidth(cli), color: useColor(cli, options) })}`,
      );
  });
}

type RunOutcome = NonNullable<Extract<RunReport, { type: 'summary' }>['outcome']>;

const OUTCOME_EXIT: Readonly<Record<RunOutcome, number>> = {
  completed: EXIT.done,
  'completed-with-failures': EXIT.tasksFailed,
  'paused-usage-limit': EXIT.usageLimit,
  'over-budget': EXIT.overBudget,
  unauthenticated: EXIT.notAuthenticated,
  'model-unavailable': EXIT.usage,
  outage: EXIT.tasksFailed,
  interrupted: EXIT.interrupted,
};

/** What the process exits with after a run. */
export function exitCodeOf(cli: Cli, report: RunReport): number {
  if (report.type === 'nothing-to-do') return EXIT.done;
  const { outcome, delivery } = report;
  if (cli.interruptExit !== undefined) return cli.interruptExit;
  if (outcome === 'completed' && delivery?.kind === 'left') return EXIT.notDelivered;
  return outcome === null ? EXIT.done : OUTCOME_EXIT[outcome];
}
