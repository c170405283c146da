import { printJson, useColor, stdoutWidth } from '../print.ts';
import { Command } from 'commander';
import type { ProcessIdentity } from '../../domain/attempt.ts';
import { Failed } from '../../domain/failure.ts';
import { eventSentence } from '../../domain/text/event-sentence.ts';
import type { TaskStore } from '../../store/store.ts';
import { formatSummary } from '../run/summary-text.ts';
import { styles } from '../../domain/text/styles.ts';
import { redactValue } from '../../domain/redact.ts';
import type { Cli } from '../cli.ts';
import { onRun, type CommonOptions, withExamples } from '../command.ts';
import { processLookUp } from '../../app/project/process-look-up.ts';
import { findProject, openProjectStore } from '../../app/project/project.ts';
import { redactorFor } from '../../app/project/redaction.ts';
import { openCircumstances, UNKNOWN } from '../../app/status/circumstances.ts';
import { collectStatus } from '../../app/status/collect.ts';
import { formatStatus } from '../status/status-text.ts';
import type { StatusReport } from '../../app/contract/status.ts';

interface StatusOptions extends CommonOptions {
  readonly watch?: boolean;
}

/** `status`: the run in progress or the last one, tasks, tokens and cost, and what needs a person. */
export function statusCommand(cli: Cli): Command {
  const command = new Command('status')
    .description('Tell what happened, what it cost, what is left, and what needs you.')
    .option('-w, --watch', 'show it again at every change, until Ctrl-C');
  withExamples(command, ['status', 'status --watch', 'status --json']);
  return onRun<StatusOptions>(command, cli, async (options) => {
    const project = findProject(cli, options);
    const store = await openProjectStore(project);
    let circumstances = UNKNOWN;
    try {
      const last = store.lastRun();
      // Before the first run there is nothing to tell of limits and budgets, and `status` is there sooner.
      if (last !== undefined || options.watch === true)
        circumstances = await openCircumstances(cli, project, store);
      const underWay = store.calls.underWay();
      const mayBeAlive = last?.endedAt === null || options.watch === true || underWay > 0;
      const isAlive = mayBeAlive ? await processLookUp(cli) : () => false;
      if (underWay > 0) bookCutOff(cli, options, store, isAlive);
      const redact = redactorFor(cli, project);
      const collect = (): StatusReport =>
        redactValue(collectStatus(store, isAlive, circumstances.current(), Date.now()), redact);
      if (options.watch === true) {
        const { watchStatus } = await import('../status/watch.ts');
        return await watchStatus(cli, options, store, collect);
      }
      if (options.json === true) printJson(cli, collect());
      else {
        const color = useColor(cli, options);
        const columns = stdoutWidth(cli);
        const report = collect();
        cli.stdout.write(formatStatus(report, { columns, style: styles(color), now: Date.now() }));
        if (options.verbose === true && report.run !== null)
          cli.stdout.write(`\n${formatSummary(report.run, { columns, color, now: Date.now() })}`);
      }
      return undefined;
    } finally {
      circumstances.close();
      store.close();
    }
  });
}

/** A store that can only be read is told of as it is; the next command that can write books what is missing. */
function bookCutOff(
  cli: Cli,
  { quiet }: StatusOptions,
  store: TaskStore,
  isAlive: (process: ProcessIdentity) => boolean,
): void {
  try {
    for (const event of store.calls.bookCutOff(isAlive))
      if (quiet !== true) cli.stderr.write(`note: ${eventSentence(event)}\n`);
  } catch (error) {
    if (!(error instanceof Failed)) throw error;
  }
}
