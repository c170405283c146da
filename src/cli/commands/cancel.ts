import type { Command } from 'commander';
import { cancel } from '../../app/cancel.ts';
import type { CancelledTask, CancelReport } from '../../app/contract/cancel.ts';
import { neutralise } from '../../domain/text/display-text.ts';
import type { Cli } from '../cli.ts';
import { ToolCommand } from '../tool-command.ts';

/** `cancel`: cancels tasks, all of them or none. */
export function makeCommand(cli: Cli): Command {
  return new ToolCommand('cancel')
    .description(
      'Cancel tasks. A worker that works on one is stopped, and what it did is kept. Tasks that depend on it no longer wait for it.',
    )
    .argument('<ids...>', 'tasks (3, 3.2, 1,2, 1-4)')
    .examples('cancel 3', 'cancel 2,4-6')
    .onRun(cli, async ({ project, args, printChange }) => {
      printChange(await cancel(project, { ids: args }, cli), describe);
    });
}

const WORKER_WORDS: Readonly<Record<CancelledTask['worker'], string>> = {
  none: '',
  ended: 'Its worker was stopped.',
  ending: 'The run was told to stop its worker, but has not done so yet: `status` shows it.',
  abandoned: 'Its run was killed before. The next `run` ends what is left of its worker.',
};

function describe({ cancelled }: CancelReport): string[] {
  return cancelled.flatMap(({ id, title, from, to, freed, worker, work }) => {
    if (to === 'done')
      return [`${id}  too late, it is done: its change landed just now  ${neutralise(title)}`];
    const change = from === 'cancelled' ? 'cancelled already' : `${from} → ${to}`;
    const details = [
      WORKER_WORDS[worker],
      work === null ? '' : describePlace(id, work),
      freed.length === 0
        ? ''
        : `${freed.join(', ')} no longer ${freed.length === 1 ? 'waits' : 'wait'} for it.`,
    ];
    return [
      `${id}  ${change}  ${neutralise(title)}`,
      ...details.filter((line) => line !== '').map((line) => `    ${line}`),
    ];
  });
}

function describePlace(id: string, { branch, directory }: NonNullable<CancelledTask['work']>): string {
  return branch === null
    ? `Whatever it changed is in ${neutralise(directory)}.`
    : `What it did is kept: see it with \`diff ${id}\`, take it with \`recover restore ${id} --branch NAME\`.`;
}
