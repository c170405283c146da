import type { Command } from 'commander';
import type { RetriedTask, RetryReport, RetryRequest } from '../../app/contract/retry.ts';
import { retry } from '../../app/retry.ts';
import { neutralise } from '../../domain/text/display-text.ts';
import type { Cli } from '../cli.ts';
import { ToolCommand } from '../tool-command.ts';

/** `retry`: makes tasks pending again, all of them or none. */
export function makeCommand(cli: Cli): Command {
  return new ToolCommand('retry')
    .description('Try failed, cancelled or deferred tasks again, also during a run. Done tasks need --force.')
    .argument('<ids...>', 'tasks (3, 3.2, 1,2, 1-4)')
    .option('-f, --force', 'also do tasks again whose change has landed')
    .examples('retry 3', 'retry 2,4-6', 'retry 3 --force')
    .onRun<Omit<RetryRequest, 'ids'>>(cli, async ({ project, options, args, printChange }) => {
      printChange(await retry(project, { ...options, ids: args }, cli), describe);
    });
}

const NEXT_WORDS: Readonly<Record<RetriedTask['next'], string>> = {
  resume: 'its session goes on where it stopped',
  fresh: 'it starts in a new session',
  first: 'it has not been tried yet',
};

function describe({ retried, run }: RetryReport): string[] {
  const lines = retried.map(({ id, title, from, next, waitingFor }) => {
    const change = from === 'pending' ? 'pending already' : `${from} → pending`;
    const waits = waitingFor.length === 0 ? '' : `, after ${waitingFor.join(', ')}`;
    return `${id}  ${change}: ${NEXT_WORDS[next]}${waits}  ${neutralise(title)}`;
  });
  return [
    ...lines,
    run === null
      ? '`run` starts what is pending.'
      : `Run ${neutralise(run)} works now, and starts what is pending.`,
  ];
}
