import type { Command } from 'commander';
import type { InitReport, InitRequest } from '../../app/contract/init.ts';
import { init } from '../../app/init.ts';
import { askToConfirm } from '../ask.ts';
import type { Cli } from '../cli.ts';
import { fold } from '../fold.ts';
import { ToolCommand, type Layout } from '../tool-command.ts';

/** `init`: sets a directory up; what is there already stays as it is. */
export function makeCommand(cli: Cli): Command {
  return new ToolCommand('init')
    .description(
      'Set up this directory: orchestrator_config.json, .env, .gitignore lines and .taskmaster/. ' +
        'Nothing that exists is overwritten without asking; without a terminal nothing is asked.',
    )
    .option('-y, --yes', 'ask nothing and take the safe answer: keep what is there')
    .option('--nested', 'make a project of its own here although there is one further up')
    .examples('init', 'init --yes --json')
    .onRun<InitRequest & { yes?: boolean }>(cli, async ({ options, printChange }) => {
      const asks = options.yes !== true && options.json !== true;
      const report = await init(options, options, cli, async (question, kept) =>
        asks ? await askToConfirm(cli, question, kept) : false,
      );
      if (options.json !== true) {
        const notes = report.notes.map((note) => `note: ${note}`);
        for (const line of fold(cli.stderr, notes)) cli.stderr.write(`${line}\n`);
      }
      printChange(report, describe);
    });
}

/** Where paths stand, behind the word for what was done. */
const PATH_COLUMN = 13;

function describe({ stacks, files, next }: InitReport, layout: Layout): string[] {
  const { bold, dim, green } = layout.style;
  const wide = Math.max(...files.map(({ path }) => path.length));
  const lines = files.map(({ path, action, note }) => {
    const word = action === 'kept' ? dim(action.padEnd(9)) : green(action.padEnd(9));
    return `  ${word}  ${note === undefined ? path : `${path.padEnd(wide)}  ${dim(note)}`}`;
  });
  const detected =
    stacks.length === 0
      ? ['No known tool chain was found: put the commands that prove a change into verify.commands.']
      : stacks.map(
          ({ name, evidence, verify }) =>
            `${bold(name)} (${evidence}): ${verify.length === 0 ? 'nothing to verify with was found' : verify.join(', ')}`,
        );
  return [...layout.fold(lines, PATH_COLUMN), '', ...layout.fold(detected), '', `Next: ${bold(next)}`];
}
