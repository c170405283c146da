import { Command } from 'commander';
import { check } from '../../app/check.ts';
import type { CheckReport, Finding } from '../../app/contract/check.ts';
import { findProject } from '../../app/project/project.ts';
import { EXIT, type Cli } from '../cli.ts';
import { onRun, withExamples } from '../command.ts';
import { fold } from '../fold.ts';
import { printReport } from '../print.ts';
import type { Styles } from '../../domain/text/styles.ts';

/** `check`: what keeps a run from starting, what could be better, and the fix for each. */
export function makeCommand(cli: Cli): Command {
  const command = new Command('check').description(
    'Look at everything a run needs and say how to fix what is missing. No token is spent.',
  );
  withExamples(command, ['check', 'check --json']);
  return onRun(command, cli, async (options) => {
    const report = await check(findProject(cli, options), cli);
    printReport(cli, options, report, (found, { style }) =>
      describe(cli, found, style, options.quiet === true),
    );
    return report.canRun ? undefined : EXIT.tasksFailed;
  });
}

function describe(cli: Cli, { checks, canRun }: CheckReport, style: Styles, isQuiet: boolean): string[] {
  const { bold, cyan, dim, green, red, yellow } = style;
  const marks: Record<Finding['status'], string> = {
    ok: green('✔'),
    warning: yellow('!'),
    failure: red('✖'),
    skipped: dim('-'),
  };
  const count = (wanted: Finding['status']): number =>
    checks.filter(({ status }) => status === wanted).length;
  const shown = isQuiet
    ? checks.filter(({ status }) => status === 'warning' || status === 'failure')
    : checks;
  const wide = Math.max(0, ...shown.map(({ name }) => name.length));
  const lines = shown.flatMap(({ name, status, message, fix }) => [
    `${marks[status]} ${name.padEnd(wide)}  ${message}`,
    ...(fix === undefined ? [] : [`  ${' '.repeat(wide)}  ${cyan('→')} ${fix}`]),
  ]);
  const [failures, warnings] = [count('failure'), count('warning')];
  const better =
    warnings === 0 ? '' : ` ${warnings} ${warnings === 1 ? 'thing' : 'things'} could be better (!).`;
  const verdict = canRun
    ? `${green(bold('A run can start.'))}${better}`
    : `${red(bold('A run cannot start:'))} ${failures} ${failures === 1 ? 'thing has' : 'things have'} to be fixed (✖).${better}`;
  return [...fold(cli.stdout, lines, wide + 4), '', ...fold(cli.stdout, [verdict], 0)];
}
