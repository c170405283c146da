import { Argument, Command, Option } from 'commander';
import type { LogsRequest } from '../../app/contract/logs.ts';
import { logs } from '../../app/logs.ts';
import { findProject } from '../../app/project/project.ts';
import { printable } from '../../domain/text/printable.ts';
import { styles } from '../../domain/text/styles.ts';
import type { Cli } from '../cli.ts';
import { onRun, withExamples, type CommonOptions } from '../command.ts';
import { LogText } from '../log-text.ts';
import { LinePainter, PacedOutput } from '../paced-output.ts';
import { stdoutWidth, useColor } from '../print.ts';

/** `logs`: what a worker said and did, and what came of it; also while it works. */
export function makeCommand(cli: Cli): Command {
  const command = new Command('logs')
    .description(
      'Tell what a worker said and did in a try at a task, and what came of it. --verbose shortens nothing.',
    )
    .addArgument(new Argument('<id>', 'a task (3, 3.2)'))
    .option('-f, --follow', 'go on until the attempt has ended')
    .option('-a, --attempt <number>', 'an earlier attempt (default: the newest)')
    .addOption(new Option('--raw', 'the transcript as Claude printed it: stream-json, one object a line'));
  withExamples(command, [
    'logs 3',
    'logs 3 -f',
    'logs 3.2 --attempt 1 --verbose',
    'logs 3 --raw | jq \'select(.type == "result")\'',
  ]);
  return onRun<CommonOptions & Omit<LogsRequest, 'id'>>(command, cli, async (options, [id = '']) => {
    const isTerminal = cli.stdout.isTTY === true;
    const output = new PacedOutput(cli.stdout);
    const text = new LogText({
      style: styles(useColor(cli, options)),
      width: isTerminal ? stdoutWidth(cli) : undefined,
      whole: options.verbose === true,
    });
    const painter = new LinePainter(printable);
    const print = (lines: readonly string[]): Promise<void> =>
      output.write(lines.map((line) => `${line}\n`).join(''));
    try {
      await logs(findProject(cli, options), { ...options, id }, cli, {
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
