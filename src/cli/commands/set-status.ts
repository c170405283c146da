import type { Command } from 'commander';
import type { SetStatusReport, SetStatusRequest } from '../../app/contract/set-status.ts';
import { setStatus } from '../../app/set-status.ts';
import { fail } from '../../domain/failure.ts';
import { TASK_STATUSES } from '../../domain/task.ts';
import { neutralise } from '../../domain/text/display-text.ts';
import type { Cli } from '../cli.ts';
import { ToolCommand } from '../tool-command.ts';

interface SetStatusOptions {
  readonly id?: string;
  readonly status?: string;
}

/** `set-status`, all tasks or none: `set-status 1,2 done` is the same as `set-status --id=1,2 --status=done`. */
export function makeCommand(cli: Cli): Command {
  return new ToolCommand('set-status')
    .description(`Set the status of all named tasks, or of none: ${TASK_STATUSES.join(', ')}.`)
    .words('[ids-and-status...]', 'tasks (3, 3.2, 1,2, 1-4), then the status', TASK_STATUSES)
    .option('-i, --id <ids>', 'tasks, in the spelling of Task Master')
    .words('-s, --status <status>', 'the status, in the spelling of Task Master', TASK_STATUSES)
    .examples('set-status 3 done', 'set-status 1,2,5-8 deferred', 'set-status --id=1,2.1 --status=done')
    .onRun<SetStatusOptions>(cli, async ({ project, options, args, printChange }) => {
      printChange(await setStatus(project, readRequest(options, args)), describe);
    });
}

function readRequest({ id, status }: SetStatusOptions, args: readonly string[]): SetStatusRequest {
  const rest = [...args];
  const word = status ?? rest.pop();
  const ids = id === undefined ? rest : [id, ...rest];
  if (word === undefined || ids.length === 0)
    fail(
      'wrong-usage',
      'Give tasks and then a status.',
      'For example: `set-status 3 done`, or `set-status --id=3 --status=done`.',
    );
  return { ids, status: word };
}

function describe({ status, changed }: SetStatusReport): string[] {
  return changed.map(({ id, title, from, to }) => {
    const change = from === to ? `${to} already` : `${from} → ${to}`;
    return `${id}  ${to === status ? change : `stays ${to}, as its subtasks say`}  ${neutralise(title)}`;
  });
}
