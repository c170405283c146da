import type { Command } from 'commander';
import type { LogsRequest } from '../../app/contract/logs.ts';
import { logs } from '../../app/logs.ts';
import { printable } from '../../domain/text/printable.ts';
import type { Cli } from '../cli.ts';
import { LogText } from '../log-text.ts';
import { LinePainter, PacedOutput } from '../paced-output.ts';
import { ToolCommand } from '../tool-command.ts';

/** `logs`: what a worker said and did, and what came of it; also while it works. */
export function makeCommand(cli: Cli): Command {
  return new ToolCommand('logs')
    .description(
      'Tell what a worker said and did in a try at a task, and what came of it. --verbose shortens nothing.',
    )
    .argument('<id>', 'a task (3, 3.2)')
    .option('-f, --follow', 'go on until the attempt has ended')
    .option('-a, --attempt <number>', 'an earlier attempt (default: the newest)')
    .option('--raw', 'the transcript as Claude printed it: stream-json, one object a line')
    .examples(
      'logs 3',
      'logs 3 -f',
      'logs 3.2 --attempt 1 --verbose',
      'logs 3 --raw | jq \'select(.type == "result")\'',
    )
    .onRun<Omit<LogsRequest, 'id'>>(cli, async ({ project, options, args: [id = ''], layout }) => {
      const isTerminal = cli.stdout.isTTY === true;
      const output = new PacedOutput(cli.stdout);
      const text = new LogText({
        style: layout.style,
        width: isTerminal ? layout.width : undefined,
        whole: options.verbose === true,
      });
      const painter = new LinePainter(printable);
      const print = (lines: readonly string[]): Promise<void> =>
        output.write(lines.map((line) => `${line}\n`).join(''));
      try {
        await logs(project, { ...options, id }, cli, {
          onEntry: async (entry) => {
            if (options.json === true) await print([JSON.stringify(entry)]);
            else if (text.hasBegun || entry.type !== 'note') await print(text.render(entry));
            else if (options.quiet !== true) cli.stderr.write(`${entry.text}\n`);
          },
          onBytes: (bytes) => output.write(isTerminal ? painter.paint(bytes) : bytes),
          signal: output.gone,
        });
        await output.write(painter.end());
      } finally {
        output.release();
      }
      return cli.interruptExit;
    });
}
