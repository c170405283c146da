import { Command } from 'commander';
import { styles } from '../../reporting/styles.ts';
import { createProcessTable } from '../../worker/process-table.ts';
import type { Cli } from '../cli.ts';
import { onRun, printJson, useColor, type CommonOptions } from '../options.ts';
import { findProject, openProjectStore } from '../project.ts';
import { collectStatus, type StatusReport } from '../status/collect.ts';
import { formatStatus } from '../status/status-text.ts';

interface StatusOptions extends CommonOptions {
  readonly watch?: boolean;
}

/** `status`: the run in progress or the last one, tasks, tokens and cost, and what needs a person. */
export function statusCommand(cli: Cli): Command {
  const command = new Command('status')
    .description('Tells what happened, what it cost, what is left, and what needs you.')
    .option('-w, --watch', 'show it again at every change, until Ctrl-C')
    .addHelpText('after', '\nExample:\n  claude-orchestrator status --watch');
  return onRun<StatusOptions>(command, cli, async (options) => {
    const store = await openProjectStore(findProject(cli, options));
    const table = createProcessTable({ platform: cli.platform, pid: cli.pid, kill: sendNothing });
    const collect = (): StatusReport => collectStatus(store, (process) => table.isAlive(process), Date.now());
    try {
      if (options.watch === true) {
        const { watchStatus } = await import('../status/watch.ts');
        return await watchStatus(cli, options, store, collect);
      }
      if (options.json === true) printJson(cli, collect());
      else {
        const style = styles(useColor(cli, options));
        cli.stdout.write(
          formatStatus(collect(), { columns: cli.stdout.columns ?? 80, style, now: Date.now() }),
        );
      }
      return undefined;
    } finally {
      store.close();
    }
  });
}

/** Looking on must never end a process. */
function sendNothing(pid: number): never {
  throw new Error(`Internal error: status was about to signal process ${pid}.`);
}
