import type { Command } from 'commander';
import { clean } from '../../app/clean.ts';
import type { CleanReport, CleanRequest } from '../../app/contract/clean.ts';
import { formatBytes, plural } from '../../domain/text/format.ts';
import type { Cli } from '../cli.ts';
import { ToolCommand, type Layout } from '../tool-command.ts';

/** `clean`: what the tool keeps on the disk and nobody needs any more. */
export function makeCommand(cli: Cli): Command {
  return new ToolCommand('clean')
    .description(
      'Remove what is not needed any more: transcripts of tasks that are done or cancelled, worktrees in which nobody ' +
        'works, snapshots of work that has landed. Nothing goes that has not landed, and nothing while a run works.',
    )
    .option('--dry-run', 'show what would go, and how much that is, but remove nothing')
    .wholeNumber(
      '--keep-days <n>',
      'keep transcripts that are not older (default: logs.keep_days, else none)',
      0,
      36_500,
    )
    .examples('clean --dry-run', 'clean', 'clean --keep-days 30')
    .onRun<CleanRequest>(cli, async ({ project, options, print }) => {
      print(await clean(project, options, cli), describe);
    });
}

function describe(
  { transcripts, worktrees, snapshots, kept, removed, bytes }: CleanReport,
  { options: { quiet, verbose } }: Layout,
): string[] {
  const size = (files: CleanReport['worktrees']): string =>
    formatBytes(files.reduce((sum, file) => sum + file.bytes, 0));
  const groups = [
    [plural(transcripts.length, 'transcript'), size(transcripts), transcripts.map((file) => file.directory)],
    [plural(worktrees.length, 'worktree'), size(worktrees), worktrees.map((file) => file.directory)],
    [plural(snapshots.length, 'snapshot'), 'landed', snapshots.map(({ ref }) => ref)],
  ] as const;
  const lines = groups.flatMap(([what, detail, names]) =>
    names.length === 0
      ? []
      : [`  ${what} (${detail})`, ...(verbose === true ? names.map((name) => `    ${name}`) : [])],
  );
  const left = quiet === true ? [] : kept.map(({ path, why }) => `  kept: ${path}: ${why}`);
  if (lines.length === 0) return ['There is nothing to remove.', ...left];
  const headline = removed
    ? `Removed, which frees ${formatBytes(bytes)}:`
    : `Would remove, which frees ${formatBytes(bytes)} (--dry-run: nothing was removed):`;
  return [headline, ...lines, ...left];
}
