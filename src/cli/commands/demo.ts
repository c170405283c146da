import type { Command } from 'commander';
import type { DemoReport, DemoRequest } from '../../app/contract/demo.ts';
import { demo, type DemoEvent } from '../../app/demo.ts';
import { wrap } from '../../domain/text/display-text.ts';
import { EXIT, type Cli } from '../cli.ts';
import { ToolCommand, type Layout } from '../tool-command.ts';

/** `demo`: the whole main job on a throw-away repository, against the built-in simulator. */
export function makeCommand(cli: Cli): Command {
  return new ToolCommand('demo')
    .description('Show the whole job at work on a throw-away repository: no key, no network, no cost.')
    .option('--keep', 'keep the repository afterwards')
    .option('--stand-in', 'use the built-in stand-in even where the Claude CLI is installed')
    .examples('demo', 'demo --keep')
    .onRun<DemoRequest>(cli, async ({ options, layout, print }) => {
      const isJson = options.json === true;
      const result = await demo(options, cli, {
        output: isJson ? 'pipe' : 'inherit',
        onEvent: (event) => {
          if (!isJson) cli.stdout.write(describeEvent(event, layout));
        },
      });
      if (!result.ok) {
        const { command: failed, exitCode, output } = result.error;
        const said = output === '' ? '' : `\n${output}`;
        cli.stderr.write(`error: \`${failed}\` ended with exit code ${exitCode ?? 'none'}.${said}\n`);
        return exitCode ?? EXIT.bug;
      }
      print(result.value, describe);
      return result.value.passed ? EXIT.done : EXIT.tasksFailed;
    });
}

const INTRODUCTION =
  'The whole job on a throw-away repository. The models are simulated: their replies are scripted, so this shows how the work is organised, not how well a model does it. Everything else is real.';

function describeEvent(event: DemoEvent, { style, width }: Layout): string {
  switch (event.type) {
    case 'began': {
      const lines = [
        ...wrap(INTRODUCTION, Math.max(40, width - 1)),
        `  repository  ${event.repository}`,
        `  API         ${event.api} (simulated)`,
        `  worker      ${event.worker}`,
      ];
      return `${lines.join('\n')}\n\n`;
    }
    case 'command':
      return `${style.bold(`$ ${event.command}`)}\n`;
    case 'command-ended':
      return '\n';
    case 'tests-failed':
      return `${event.output}\n`;
  }
}

function describe({ passed, tests, files, seconds, repository }: DemoReport, { style }: Layout): string[] {
  return [
    `${passed ? style.green('pass') : style.red('fail')}: ${tests} tests in what the workers wrote, ${files} files, ${seconds.toFixed(1)} s in all.`,
    repository === null
      ? 'The repository is removed; `demo --keep` keeps it.'
      : `The repository is kept: ${repository}`,
  ];
}
