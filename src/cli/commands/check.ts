import { printJson, useColor } from '../print.ts';
import { Command } from 'commander';
import { styles } from '../../domain/text/styles.ts';
import type { Finding, FindingStatus } from '../../app/check/finding.ts';
import { runChecks } from '../../app/check.ts';
import { EXIT, type Cli } from '../cli.ts';
import { fold } from '../fold.ts';
import { interruptible } from '../../app/interrupt.ts';
import { onRun, type CommonOptions, withExamples } from '../command.ts';
import { findProject } from '../../app/project/project.ts';

/** `check`: what keeps a run from starting, what could be better, and the fix for each. */
export function checkCommand(cli: Cli): Command {
  const command = new Command('check').description(
    'Look at everything a run needs and say how to fix what is missing. No token is spent.',
  );
  withExamples(command, ['check', 'check --json']);
  return onRun(command, cli, async (options) => {
    const project = findProject(cli, options);
    const findings = await interruptible(cli, 'Nothing was changed.', (signal) =>
      runChecks(cli, project, signal),
    );
    const canRun = findings.every(({ status }) => status !== 'failure');
    if (options.json === true) printJson(cli, { canRun, root: project.root, checks: findings });
    else cli.stdout.write(describe(cli, options, findings, canRun));
    return canRun ? undefined : EXIT.tasksFailed;
  });
}

function describe(cli: Cli, options: CommonOptions, findings: readonly Finding[], canRun: boolean): string {
  const { bold, cyan, dim, green, red, yellow } = styles(useColor(cli, options));
  const signs: Record<FindingStatus, string> = {
    ok: green('✔'),
    warning: yellow('!'),
    failure: red('✖'),
    skipped: dim('-'),
  };
  const shown =
    options.quiet === true
      ? findings.filter(({ status }) => status === 'warning' || status === 'failure')
      : findings;
  const wide = Math.max(0, ...shown.map(({ name }) => name.length));
  const findingLines = shown.flatMap(({ name, status, message, fix }) => [
    `${signs[status]} ${name.padEnd(wide)}  ${message}`,
    ...(fix === undefined ? [] : [`  ${' '.repeat(wide)}  ${cyan('→')} ${fix}`]),
  ]);
  const lines = fold(cli.stdout, findingLines, wide + 4);
  const failures = findings.filter(({ status }) => status === 'failure').length;
  const warnings = findings.filter(({ status }) => status === 'warning').length;
  const better =
    warnings === 0 ? '' : ` ${warnings} ${warnings === 1 ? 'thing' : 'things'} could be better (!).`;
  const verdict = canRun
    ? `${green(bold('A run can start.'))}${better}`
    : `${red(bold('A run cannot start:'))} ${failures} ${failures === 1 ? 'thing has' : 'things have'} to be fixed (✖).${better}`;
  return `${[...lines, '', ...fold(cli.stdout, [verdict], 0)].join('\n')}\n`;
}
