import type { Command } from 'commander';
import { check } from '../../app/check.ts';
import type { CheckReport, Finding } from '../../app/contract/check.ts';
import { plural } from '../../domain/text/format.ts';
import { EXIT, type Cli } from '../cli.ts';
import { ToolCommand, type Layout } from '../tool-command.ts';

/** `check`: what keeps a run from starting, what could be better, and the fix for each. */
export function makeCommand(cli: Cli): Command {
  return new ToolCommand('check')
    .description('Look at everything a run needs and say how to fix what is missing. No token is spent.')
    .examples('check', 'check --json')
    .onRun(cli, async ({ project, print }) => {
      const report = await check(project, cli);
      print(report, describe);
      return report.canRun ? undefined : EXIT.tasksFailed;
    });
}

function describe({ checks, canRun }: CheckReport, { style, options, fold }: Layout): string[] {
  const { bold, cyan, dim, green, red, yellow } = style;
  const marks: Record<Finding['status'], string> = {
    ok: green('✔'),
    warning: yellow('!'),
    failure: red('✖'),
    skipped: dim('-'),
  };
  const count = (wanted: Finding['status']): number =>
    checks.filter(({ status }) => status === wanted).length;
  const shown =
    options.quiet === true
      ? checks.filter(({ status }) => status === 'warning' || status === 'failure')
      : checks;
  const wide = Math.max(0, ...shown.map(({ name }) => name.length));
  const lines = shown.flatMap(({ name, status, message, fix }) => [
    `${marks[status]} ${name.padEnd(wide)}  ${message}`,
    ...(fix === undefined ? [] : [`  ${' '.repeat(wide)}  ${cyan('→')} ${fix}`]),
  ]);
  const [failures, warnings] = [count('failure'), count('warning')];
  const better = warnings === 0 ? '' : ` ${plural(warnings, 'thing')} could be better (!).`;
  const verdict = canRun
    ? `${green(bold('A run can start.'))}${better}`
    : `${red(bold('A run cannot start:'))} ${failures} ${failures === 1 ? 'thing has' : 'things have'} to be fixed (✖).${better}`;
  return [...fold(lines, wide + 4), '', ...fold([verdict], 0)];
}
