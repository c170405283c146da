import { printJson } from '../print.ts';
import { Argument, Command } from 'commander';
import type { Attempt } from '../../domain/attempt.ts';
import type { Cli } from '../cli.ts';
import { onRun, type CommonOptions, withExamples } from '../command.ts';
import { findProject, withStore } from '../../app/project/project.ts';
import type { FoundChange } from '../../app/repository/find-change.ts';
import type { PatchOptions } from '../patch.ts';
import { triedTask } from '../../app/tasks/attempts-of.ts';

/** `diff`: what a task changed: as it landed, as it was kept, or as it is now in its workspace. */
export function diffCommand(cli: Cli): Command {
  const command = new Command('diff')
    .description(
      'Show what a task changed: as it landed, as it was kept when a try failed, or as it is now while a worker works.',
    )
    .addArgument(new Argument('<id>', 'a task (3, 3.2)'))
    .option('--stat', 'only how many lines of which files')
    .option('--name-only', 'only the names of the files');
  withExamples(command, ['diff 3', 'diff 3 --stat', 'diff 3 > 3.patch']);
  return onRun<PatchOptions>(command, cli, async (options, [text = '']) => {
    const { task, attempts, untried } = await withStore(findProject(cli, options), (store) =>
      triedTask(store, text),
    );
    if (attempts.length === 0) {
      tellNothing(cli, options, task.id, untried);
      return undefined;
    }
    const { openRepository } = await import('../../app/repository/repository.ts');
    const { findChange } = await import('../../app/repository/find-change.ts');
    const repository = await openRepository(cli, findProject(cli, options).root);
    const change = await findChange(repository, attempts);
    if (change.kind === 'none') {
      tellNothing(cli, options, task.id, `Task ${task.id} has no change to show. ${change.why}`);
      return undefined;
    }
    if (options.json === true) {
      const { describePatch } = await import('../../app/repository/patch.ts');
      const { from, to, attempt, kind, place } = change;
      const patch = await describePatch(repository.git, { from, to }, options);
      printJson(cli, { id: task.id, kind, attempt: attempt.number, place, why: null, ...patch });
      return undefined;
    }
    const { printPatch } = await import('../patch.ts');
    if (options.quiet !== true && cli.stdout.isTTY === true) cli.stderr.write(`${describe(change)}\n`);
    if (!(await printPatch(cli, repository.git, change, options)))
      tellNothing(cli, options, task.id, `Task ${task.id} has changed nothing so far.`);
    return undefined;
  });
}

function describe({ kind, place, attempt }: Exclude<FoundChange, { kind: 'none' }>): string {
  switch (kind) {
    case 'landed':
      return `Landed as ${place.slice(0, 12)} by attempt ${attempt.number}.`;
    case 'kept':
      return `Not landed: ${outcomeOf(attempt)}. Kept as ${place}.`;
    case 'worktree':
      return `Not finished: attempt ${attempt.number} works in ${place}.`;
  }
}

function outcomeOf({ number, end }: Attempt): string {
  return `attempt ${number} ${end === null ? 'has not ended' : `ended as ${end.outcome.replaceAll('-', ' ')}`}`;
}

function tellNothing(cli: Cli, options: CommonOptions, id: string, why: string): void {
  if (options.json === true)
    printJson(cli, {
      id,
      kind: 'none',
      attempt: null,
      place: null,
      why,
      from: null,
      to: null,
      files: [],
      patch: null,
    });
  else if (options.quiet !== true) cli.stderr.write(`${why}\n`);
}
