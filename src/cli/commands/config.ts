import { Argument, type Command } from 'commander';
import { configShow, configValidate } from '../../app/config.ts';
import { variableOf } from '../../app/config/environment.ts';
import { formatProblem } from '../../app/config/problem.ts';
import { configJsonSchema } from '../../app/config/schema.ts';
import type { ConfigShowReport, ConfigValidateReport } from '../../app/contract/config.ts';
import { EXIT, type Cli } from '../cli.ts';
import { ToolCommand, type Layout } from '../tool-command.ts';

const ACTIONS = ['show', 'schema', 'validate'] as const;

/** `config`: what applies and where it comes from; the schema; every problem. */
export function makeCommand(cli: Cli): Command {
  return new ToolCommand('config')
    .description(
      'Show the effective configuration with the origin of each value, print its JSON Schema, or check it. ' +
        `Every key can be set by a variable too, e.g. ${variableOf('execution.max_workers')}=5.`,
    )
    .addArgument(new Argument('[action]', 'what to do').choices(ACTIONS).default('show'))
    .examples('config', 'config show --json', 'config validate')
    .onRun(cli, (call) => {
      const [action] = call.args;
      if (action === 'schema') cli.stdout.write(`${JSON.stringify(configJsonSchema(), null, 2)}\n`);
      else if (action === 'validate') {
        const report = configValidate(call.project, cli);
        call.print(report, (found, { options }) => describeProblems(cli, options.quiet === true, found));
        return report.valid ? undefined : EXIT.usage;
      } else call.print(configShow(call.project, cli), describeValues);
      return undefined;
    });
}

function describeValues(
  { file, values, secrets }: ConfigShowReport,
  { style: { bold, dim } }: Layout,
): string[] {
  const wide = Math.max(...values.map(({ key }) => key.length));
  return [
    dim(`file: ${file ?? 'none, so defaults apply'}`),
    ...values.map(({ key, value, origin }) => {
      const text = `${key.padEnd(wide)}  ${JSON.stringify(value)}`;
      if (origin.source === 'default') return dim(text);
      const name = origin.name === '' || origin.name === file ? '' : ` ${origin.name}`;
      return `${text}  ${bold(`(${origin.source}${name})`)}`;
    }),
    '',
    ...Object.entries(secrets).map(([name, value]) => `${name.padEnd(wide)}  ${value ?? dim('not set')}`),
  ];
}

/** Problems go to stderr. */
function describeProblems(
  cli: Cli,
  isQuiet: boolean,
  { valid, file, problems, warnings }: ConfigValidateReport,
): string[] {
  for (const problem of problems) cli.stderr.write(`error: ${formatProblem(problem)}\n`);
  for (const warning of warnings) cli.stderr.write(`warning: ${warning}\n`);
  return valid && !isQuiet ? [`${file ?? 'The defaults (there is no configuration file)'}: valid`] : [];
}
