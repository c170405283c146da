import type { Command } from 'commander';
import type { PatchForm } from '../../app/contract/patch.ts';
import type {
  RecoverListReport,
  RecoverListRequest,
  RecoverRestoreReport,
  RecoverRestoreRequest,
  RecoverStoreReport,
  RecoverStoreRequest,
} from '../../app/contract/recover.ts';
import { describeCopy } from '../../app/project/lost-store.ts';
import { recoverStore } from '../../app/recover-store.ts';
import { openSnapshot, recoverList, recoverRestore, recoverShow } from '../../app/recover.ts';
import { fail } from '../../domain/failure.ts';
import { firstLine, neutralise } from '../../domain/text/display-text.ts';
import { plural } from '../../domain/text/format.ts';
import { shellQuote } from '../../domain/text/shell-quote.ts';
import type { Cli } from '../cli.ts';
import { printPatch } from '../patch.ts';
import { printJson } from '../print.ts';
import { oneOf, ToolCommand, type Layout } from '../tool-command.ts';

type RecoverOptions = PatchForm &
  RecoverListRequest &
  Omit<RecoverRestoreRequest, 'name'> &
  Omit<RecoverStoreRequest, 'copy'>;

const ACTIONS = ['list', 'show', 'restore', 'store'] as const;
type Action = (typeof ACTIONS)[number];

/**
 * `recover`: work that never landed, which needs the repository alone, so that it works when the task store is lost; and
 * the store itself, of which copies are kept.
 */
export function makeCommand(cli: Cli): Command {
  return new ToolCommand('recover')
    .description(
      'List, show or restore work that never landed: of tries that failed, were cancelled or were cut short; ' +
        'or bring back the task list itself (store) from a copy outside of the project.',
    )
    .words('<action>', 'what to do', ACTIONS)
    .argument('[id]', 'a task, or a snapshot as the list names it; store: a copy by its number')
    .option('-a, --all', 'list: older snapshots of the same try too')
    .option('--stat', 'show: only how many lines of which files')
    .option('--name-only', 'show: only the names of the files')
    .option('--branch <name>', 'restore: make a new branch that holds it')
    .option('--to <dir>', 'restore: write its files to a new directory')
    .option('--dry-run', 'store: show the copies, and which one would be brought back')
    .option('--replace', 'store: put aside a store that is there')
    .examples(
      'recover list',
      'recover show 3 --stat',
      'recover restore 3 --branch rescued',
      'recover restore 3 --to ../rescued',
      'recover store --dry-run',
    )
    .onRun<RecoverOptions>(cli, async (call) => {
      const {
        options,
        print,
        printChange,
        args: [word = '', name],
      } = call;
      const action = oneOf(word, ACTIONS);
      refuseOthers(action, options, name);
      const { project } = call;
      if (action === 'store') {
        const request = { ...options, ...(name === undefined ? {} : { copy: name }) };
        const report = await recoverStore(project, request, cli);
        if (report.restored) printChange(report, describeRestored);
        else print(report, describeCopies);
        return undefined;
      }
      if (action === 'list') {
        print(await recoverList(project, options, cli), describeWork);
        return undefined;
      }
      const request = { ...options, name: named(action, name) };
      if (action === 'restore') printChange(await recoverRestore(project, request, cli), describeRestore);
      else if (options.json === true) printJson(cli, await recoverShow(project, request, cli));
      else {
        const { snapshot, patch } = await openSnapshot(project, request, cli);
        if (!(await printPatch(cli, patch, options)) && options.quiet !== true)
          cli.stderr.write(`${snapshot.ref} differs in no file from what landed before it.\n`);
      }
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

function describeWork({ work }: RecoverListReport, { style, options }: Layout): string[] {
  const isQuiet = options.quiet === true;
  const [first] = work;
  if (first === undefined) return isQuiet ? [] : ['Nothing is left that has not landed.'];
  const lines = work.flatMap(({ taskId, title, date, files, why, ref, older, attempt }) => [
    `${style.bold(`Task ${taskId}`)}  ${title === null ? '' : `${neutralise(title)}  `}${style.dim(date)}`,
    `    ${plural(files.length, 'file')}: ${namesOf(files)}`,
    `    kept ${neutralise(why)}${older === 0 ? '' : `, and ${older} earlier (--all)`}`,
    ...(attempt === null ? [] : [`    ${describeEnd(attempt)}`]),
    `    ${ref}`,
  ]);
  const hint = `See one with \`recover show ${first.taskId}\`; take it with \`recover restore ${first.taskId} --branch NAME\`.`;
  return isQuiet ? lines : [...lines, '', hint];
}

const NAMES_SHOWN = 5;

function namesOf(files: readonly string[]): string {
  const more = files.length > NAMES_SHOWN ? `, and ${files.length - NAMES_SHOWN} more` : '';
  return `${files.slice(0, NAMES_SHOWN).map(neutralise).join(', ')}${more}`;
}

function describeEnd({
  number,
  outcome,
  message,
}: NonNullable<RecoverListReport['work'][number]['attempt']>): string {
  if (outcome === null) return `try ${number} has not ended`;
  const why = firstLine(message);
  return `try ${number} ended: ${outcome.replaceAll('-', ' ')}${why === '' ? '' : `: ${why}`}`;
}

function describeRestore({ ref, commit, branch, directory }: RecoverRestoreReport): string[] {
  if (branch === null)
    return [
      `The files of ${ref} are in ${directory} now. Nothing else was changed.`,
      `  Compare it: git diff -R ${commit.slice(0, 12)}`,
    ];
  const word = shellQuote(branch);
  return [
    `${ref} is the branch ${branch} now. Nothing else was changed.`,
    `  Look at it: git log -p ${word}`,
    `  Take it:    git merge ${word}`,
  ];
}

function describeCopies({ copies, chosen, store, isThere }: RecoverStoreReport): string[] {
  const how = isThere
    ? `There is a store at ${store}: with --replace it is put aside first.`
    : `There is no store at ${store}.`;
  return [
    ...copies.flatMap((copy, index) => [
      `${copy.file === chosen ? '→' : ' '} ${index + 1}  ${describeCopy(copy)}`,
      `     ${copy.file}`,
    ]),
    '',
    `${how} Nothing was changed; without --dry-run the marked copy is brought back.`,
  ];
}

function describeRestored({ copies, chosen, store, aside, landed }: RecoverStoreReport): string[] {
  const copy = copies.find(({ file }) => file === chosen);
  const lines = [`${store} is back: the copy ${copy === undefined ? chosen : describeCopy(copy)}.`];
  if (aside !== null) lines.push(`What was there is kept as ${aside}.`);
  if (landed.length > 0)
    lines.push(
      'These have landed since that copy was made, and are open in it:',
      ...landed.map(
        ({ taskId, title, commit }) => `  ${taskId}  ${neutralise(title)} (${commit.slice(0, 12)})`,
      ),
      `Look at them with \`git show\`, then settle them: \`claude-orchestrator set-status ${landed.map(({ taskId }) => taskId).join(',')} done\``,
    );
  return [...lines, 'What was kept of work that has not landed: `claude-orchestrator recover list`'];
}
