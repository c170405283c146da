import type { Command } from 'commander';
import { openStatus, status } from '../../app/status.ts';
import type { Cli } from '../cli.ts';
import { useColor } from '../print.ts';
import { formatSummary } from '../summary-text.ts';
import { formatStatus } from '../status-text.ts';
import { ToolCommand } from '../tool-command.ts';

/** `status`: the run in progress or the last one, tasks, tokens and cost, and what needs a person. */
export function makeCommand(cli: Cli): Command {
  return new ToolCommand('status')
    .description('Tell what happened, what it cost, what is left, and what needs you.')
    .option('-w, --watch', 'show it again at every change, until Ctrl-C')
    .examples('status', 'status --watch', 'status --json')
    .onRun<{ watch?: boolean }>(cli, async ({ project, options, print }) => {
      if (options.watch === true) {
        const { watchStatus } = await import('../watch-status.ts');
        const reader = await openStatus(project, cli, { isWatched: true });
        try {
          return await watchStatus(cli, options, reader);
        } finally {
          reader.close();
        }
      }
      print(await status(project, cli), (report, { width: columns, style }) => {
        const now = Date.now();
        const lines = [formatStatus(report, { columns, style, now })];
        if (options.verbose === true && report.run !== null)
          lines.push(formatSummary(report.run, { columns, color: useColor(cli, options), now }));
        return lines
          .map((text) => text.trimEnd())
          .flatMap((text, index) => (index > 0 ? ['', text] : [text]));
      });
    });
}
