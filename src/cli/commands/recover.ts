import { printJson } from '../print.ts';
import { resolve } from 'node:path';
import { Argument, Command } from 'commander';
import { fail } from '../../domain/failure.ts';
import { shellQuote } from '../../domain/text/shell-quote.ts';
import type { Cli } from '../cli.ts';
import { onRun, withExamples } from '../command.ts';
import { oneOf } from '../values.ts';
import { findProject } from '../../app/project/project.ts';
import type { Repository } from '../../app/repository/repository.ts';
import type { PatchOptions } from '../patch.ts';
import { listUnlanded } from '../repository/list-unlanded.ts';
import type { RecoverStoreOptions } from '../../app/recover-store.ts';

interface RecoverOptions extends PatchOptions, RecoverStoreOptions {
  readonly all?: boolean;
  readonly branch?: string;
  readonly to?: string;
}

const ACTIONS = ['list', 'show', 'restore', 'store'] as const;
type Action = (typeof ACTIONS)[number];

/**
 * `recover`: work that never landed, which needs the repository alone, so that it works when the task store is lost; and
 * the store itself, of which copies are kept.
 */
export function recoverCommand(cli: Cli): Command {
  const command = new Command('recover')
    .description(
      'List, show or restore work that never landed: of tries that failed, were cancelled or were cut short; ' +
        'or bring back the task list itself (store) from a copy outside of the project.',
    )
    .addArgument(new Argument('<action>', 'what to do').choices(ACTIONS).argParser(String))
    .addArgument(
      new Argument('[id]', 'a task, or a snapshot as the list names it; store: a copy by its number'),
    )
    .option('-a, --all', 'list: older snapshots of the same try too')
    .option('--stat', 'show: only how many lines of which files')
    .option('--name-only', 'show: only the names of the files')
    .option('--branch <name>', 'restore: make a new branch that holds it')
    .option('--to <dir>', 'restore: write its files to a new directory')
    .option('--dry-run', 'store: show the copies, and which one would be brought back')
    .option('--replace', 'store: put aside a store that is there');
  withExamples(command, [
    'recover list',
    'recover show 3 --stat',
    'recover restore 3 --branch rescued',
    'recover restore 3 --to ../rescued',
    'recover store --dry-run',
  ]);
  return onRun<RecoverOptions>(command, cli, async (options, [word = '', name]) => {
    const action = oneOf(word, ACTIONS);
    refuseOthers(action, options, name);
    const project = findProject(cli, options);
    if (action === 'store') {
      const { recoverStore } = await import('../../app/recover-store.ts');
      await recoverStore(cli, options, project, name);
      return undefined;
    }
    const { openRepository } = await import('../../app/repository/repository.ts');
    const repository = await openRepository(cli, project.root);
    if (action === 'list') await listUnlanded(cli, options, project, repository);
    else if (action === 'show') await show(cli, options, repository, named(action, name));
    else await restore(cli, options, repository, named(action, name));
    return undefined;
  });
}

/** The option that belongs to one action alone, as it is written. */
const OWN_OPTIONS: readonly (readonly [keyof RecoverOptions, string, Action])[] = [
  ['all', '--all', 'list'],
  ['stat', '--stat', 'show'],
  ['nameOnly', '--name-only', 'show'],
  ['branch', '--branch', 'restore'],
  ['to', '--to', 'restore'],
  ['dryRun', '--dry-run', 'store'],
  ['replace', '--replace', 'store'],
];

/** What is for another action would be ignored, although somebody counts on it. */
function refuseOthers(action: Action, options: RecoverOptions, name: string | undefined): void {
  const foreign = OWN_OPTIONS.find(([key, , owner]) => options[key] !== undefined && owner !== action);
  if (foreign !== undefined)
    fail(
      'wrong-usage',
      `${foreign[1]} belongs to \`recover ${foreign[2]}\`, and \`recover ${action}\` knows nothing of it.`,
      'Leave it out. Nothing was changed.',
    );
  if (action === 'list' && name !== undefined)
    fail(
      'wrong-usage',
      `\`recover list\` lists everything, and takes no ${JSON.stringify(name)}.`,
      `To look at one: \`recover show ${shellQuote(name)}\`.`,
    );
}

function named(action: Action, name: string | undefined): string {
  return (
    name ??
    fail(
      'wrong-usage',
      `What is to be ${action === 'show' ? 'shown' : 'restored'}?`,
      'Name a task or a snapshot; `recover list` shows them.',
    )
  );
}

async function show(cli: Cli, options: RecoverOptions, repository: Repository, name: string): Promise<void> {
  const { findSnapshot } = await import('../../app/repository/unlanded-work.ts');
  const { baseOf } = await import('../../app/repository/repository.ts');
  const { git } = repository;
  const snapshot = await findSnapshot(repository, name);
  const range = { from: await baseOf(git, snapshot.commit, null), to: snapshot.commit };
  if (options.json === true) {
    const { describePatch } = await import('../../app/repository/patch.ts');
    printJson(cli, { ...snapshot, ...(await describePatch(git, range, options)) });
    return;
  }
  const { printPatch } = await import('../patch.ts');
  if (!(await printPatch(cli, git, range, options)) && options.quiet !== true)
    cli.stderr.write(`${snapshot.ref} differs in no file from what landed before it.\n`);
}

async function restore(
  cli: Cli,
  options: RecoverOptions,
  repository: Repository,
  name: string,
): Promise<void> {
  const { branch, to } = options;
  if ((branch === undefined) === (to === undefined))
    fail(
      'wrong-usage',
      'Say where to restore it: to a new branch, or to a new directory.',
      `For example: \`recover restore ${name} --branch rescued\`, or \`--to ../rescued\`.`,
    );
  const { findSnapshot } = await import('../../app/repository/unlanded-work.ts');
  const { restoreToBranch, restoreToDirectory } = await import('../../workspace/snapshots/restore.ts');
  const { git } = repository;
  const { ref, commit } = await findSnapshot(repository, name);
  const directory = to === undefined ? null : resolve(cli.cwd, to);
  if (branch !== undefined) await restoreToBranch(git, commit, branch);
  else if (directory !== null) await restoreToDirectory(git, commit, directory);
  if (options.json === true) printJson(cli, { ref, commit, branch: branch ?? null, directory });
  else if (options.quiet !== true)
    cli.stdout.write(
      branch === undefined ? toDirectory(ref, commit, directory ?? '') : toBranch(ref, branch),
    );
}

function toBranch(ref: string, branch: string): string {
  const word = shellQuote(branch);
  return [
    `${ref} is the branch ${branch} now. Nothing else was changed.`,
    `  Look at it: git log -p ${word}`,
    `  Take it:    git merge ${word}`,
    '',
  ].join('\n');
}

function toDirectory(ref: string, commit: string, directory: string): string {
  return [
    `The files of ${ref} are in ${directory} now. Nothing else was changed.`,
    `  Compare it: git diff -R ${commit.slice(0, 12)}`,
    '',
  ].join('\n');
}
