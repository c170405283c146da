import type { Command } from 'commander';
import type { Change } from '../../app/contract/diff.ts';
import type { PatchForm } from '../../app/contract/patch.ts';
import { diff, openDiff } from '../../app/diff.ts';
import type { Cli } from '../cli.ts';
import { printPatch } from '../patch.ts';
import { printJson } from '../print.ts';
import { ToolCommand } from '../tool-command.ts';

/** `diff`: what a task changed: as it landed, as it was kept, or as it is now in its workspace. */
export function makeCommand(cli: Cli): Command {
  return new ToolCommand('diff')
    .description(
      'Show what a task changed: as it landed, as it was kept when a try failed, or as it is now while a worker works.',
    )
    .argument('<id>', 'a task (3, 3.2)')
    .option('--stat', 'only how many lines of which files')
    .option('--name-only', 'only the names of the files')
    .examples('diff 3', 'diff 3 --stat', 'diff 3 > 3.patch')
    .onRun<PatchForm>(cli, async ({ project, options, args: [id = ''] }) => {
      const request = { ...options, id };
      if (options.json === true) {
        printJson(cli, await diff(project, request, cli));
        return undefined;
      }
      const { change, patch } = await openDiff(project, request, cli);
      const tell = (text: string): void => {
        if (options.quiet !== true) cli.stderr.write(`${text}\n`);
      };
      if (patch === undefined) tell(change.why ?? '');
      else {
        if (cli.stdout.isTTY === true) tell(describe(change));
        if (!(await printPatch(cli, patch, options))) tell(`Task ${change.id} has changed nothing so far.`);
      }
    });
}

function describe({ kind, place, attempt, outcome }: Change): string {
  if (kind === 'landed') return `Landed as ${place?.slice(0, 12)} by attempt ${attempt}.`;
  if (kind === 'worktree') return `Not finished: attempt ${attempt} works in ${place}.`;
  const end = outcome === null ? 'has not ended' : `ended as ${outcome.replaceAll('-', ' ')}`;
  return `Not landed: attempt ${attempt} ${end}. Kept as ${place}.`;
}
