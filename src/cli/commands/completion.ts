import { printJson } from '../print.ts';
import { Argument, Command } from 'commander';
import type { CompletionReport } from '../../app/contract/completion.ts';
import type { Cli } from '../cli.ts';
import { bashScript } from '../completion/bash.ts';
import { describeBinary } from '../completion/describe.ts';
import { fishScript } from '../completion/fish.ts';
import { zshScript } from '../completion/zsh.ts';
import { onRun, withExamples, type CommonOptions, type Program } from '../command.ts';
import { oneOf, withWords } from '../values.ts';

const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript } as const;
const SHELLS = Object.keys(SCRIPTS) as (keyof typeof SCRIPTS)[];

/** `completion`: a script for both binaries, made from the commands themselves. */
export function makeCompletion(cli: Cli, binaries: readonly Program[]): Command {
  const command = new Command('completion')
    .description('Print a completion script for a shell, for claude-orchestrator and task-master.')
    .addArgument(withWords(new Argument('<shell>', 'the shell'), SHELLS));
  withExamples(command, [
    'completion bash >> ~/.bash_completion',
    'completion zsh > "${fpath[1]}/_claude-orchestrator"',
    'completion fish > ~/.config/fish/completions/claude-orchestrator.fish',
  ]);
  return onRun<CommonOptions>(command, cli, async (options, [word = '']) => {
    const shell = oneOf(word, SHELLS);
    const described = await Promise.all(binaries.map((binary) => describeBinary(cli, binary)));
    const script = SCRIPTS[shell](described);
    if (options.json === true) printJson(cli, { shell, script } satisfies CompletionReport);
    else cli.stdout.write(script);
  });
}
