import { printJson } from '../print.ts';
import { Command } from 'commander';
import { plural } from '../../domain/text/format.ts';
import { openRunLock } from '../../store/run-lock.ts';
import type { CleanReport } from '../../app/clean.ts';
import type { Cli } from '../cli.ts';
import { formatBytes } from '../../app/project/transcripts.ts';
import { wholeNumber } from '../values.ts';
import { onRun, type CommonOptions, withExamples } from '../command.ts';
import { findProject, openProjectStore } from '../../app/project/project.ts';
import { loadSettings } from '../../app/project/settings.ts';

interface CleanOptions extends CommonOptions {
  readonly dryRun?: boolean;
  readonly keepDays?: number;
}

/** `clean`: what the tool keeps on the disk and nobody needs any more. */
export function makeCommand(cli: Cli): Command {
  const command = new Command('clean')
    .description(
      'Remove what is not needed any more: transcripts of tasks that are done or cancelled, worktrees in which nobody ' +
        'works, snapshots of work that has landed. Nothing goes that has not landed, and nothing while a run works.',
    )
    .option('--dry-run', 'show what would go, and how much that is, but remove nothing')
    .option(
      '--keep-days <n>',
      'keep transcripts that are not older (default: logs.keep_days, else none)',
      (text) => wholeNumber('--keep-days', text, 0, 36_500),
    );
  withExamples(command, ['clean --dry-run', 'clean', 'clean --keep-days 30']);
  return onRun<CleanOptions>(command, cli, async (options) => {
    const project = findProject(cli, options);
    const settings = loadSettings(cli, project);
    const store = await openProjectStore(project);
    const isDry = options.dryRun === true;
    const lock = isDry
      ? undefined
      : openRunLock(`${project.databaseFile}-run-lock`, () => store.lastRun(), {
          holder: `process ${cli.pid}, which cleans up`,
        });
    try {
      const { clean } = await import('../../app/clean.ts');
      const keepDays = options.keepDays ?? settings.config.logs.keep_days ?? 0;
      const report = await clean({ services: cli, project, settings, store, keepDays }, !isDry);
      if (options.json === true) printJson(cli, report);
      else cli.stdout.write(describe(report, options.quiet === true, options.verbose === true));
      return undefined;
    } finally {
      lock?.release();
      store.close();
    }
  });
}

function describe(report: CleanReport, isQuiet: boolean, isVerbose: boolean): string {
  const { transcripts, worktrees, snapshots, kept, removed, bytes } = report;
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
      : [`  ${what} (${detail})`, ...(isVerbose ? names.map((name) => `    ${name}`) : [])],
  );
  const left = isQuiet ? [] : kept.map(({ path, why }) => `  kept: ${path}: ${why}`);
  if (lines.length === 0) return [`There is nothing to remove.`, ...left, ''].join('\n');
  const headline = removed
    ? `Removed, which frees ${formatBytes(bytes)}:`
    : `Would remove, which frees ${formatBytes(bytes)} (--dry-run: nothing was removed):`;
  return [headline, ...lines, ...left, ''].join('\n');
}
