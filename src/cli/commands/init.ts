import { printJson, useColor } from '../print.ts';
import { existsSync } from 'node:fs';
import { Command } from 'commander';
import { fail } from '../../domain/failure.ts';
import { styles } from '../../domain/text/styles.ts';
import { askToConfirm } from '../ask.ts';
import type { Cli } from '../cli.ts';
import { fold } from '../fold.ts';
import { copyNotice } from '../../app/project/lost-store.ts';
import { placeForProject } from '../../app/init/place.ts';
import { setUpProject, type FileReport } from '../../app/init.ts';
import type { Stack } from '../../app/init/detect-stack.ts';
import { onRun, type CommonOptions, withExamples } from '../command.ts';
import { gitTop, nearestProject, projectOutside, type Project } from '../../app/project/project.ts';

interface InitOptions extends CommonOptions {
  readonly yes?: boolean;
  readonly nested?: boolean;
}

/** `init`: sets a directory up; what is there already stays as it is. */
export function makeCommand(cli: Cli): Command {
  const command = new Command('init')
    .description(
      'Set up this directory: orchestrator_config.json, .env, .gitignore lines and .taskmaster/. ' +
        'Nothing that exists is overwritten without asking; without a terminal nothing is asked.',
    )
    .option('-y, --yes', 'ask nothing and take the safe answer: keep what is there')
    .option('--nested', 'make a project of its own here although there is one further up');
  withExamples(command, ['init', 'init --yes --json']);
  return onRun<InitOptions>(command, cli, async (options) => {
    const project = placeForProject(cli, options);
    await refuseSecondProject(cli, options, project);
    const wasThere = [project, projectOutside(cli, project.root, project.tag)].some(({ databaseFile }) =>
      existsSync(databaseFile),
    );
    const { stacks, files } = await setUpProject(cli, project, (file) =>
      options.yes === true || options.json === true
        ? Promise.resolve(false)
        : askToConfirm(cli, `${file} exists. Replace it with a new one?`, 'It is as it was.'),
    );
    const lost = wasThere ? undefined : copyNotice(project);
    const notes = [...notesFor(project), ...(lost === undefined ? [] : [`${lost.message} ${lost.fix}`])];
    if (options.json === true) {
      printJson(cli, { root: project.root, stacks, files, notes, next: NEXT });
      return undefined;
    }
    for (const line of fold(
      cli.stderr,
      notes.map((note) => `note: ${note}`),
    ))
      cli.stderr.write(`${line}\n`);
    if (options.quiet !== true) cli.stdout.write(describe(cli, options, stacks, files));
    return undefined;
  });
}

/** A project inside another one has a task list of its own, which is seldom what somebody below one wants. */
async function refuseSecondProject(cli: Cli, options: InitOptions, { root }: Project): Promise<void> {
  const nearest = nearestProject(root);
  if (nearest === undefined || nearest === root || options.nested === true) return;
  const asks = options.yes !== true && options.json !== true;
  const question = `The project ${nearest} covers this folder already. Make another one here, with tasks of its own?`;
  if (asks && (await askToConfirm(cli, question, 'Nothing was written.'))) return;
  fail(
    'wrong-usage',
    `The project ${nearest} covers ${root} already; nothing was written.`,
    'Every command works from here. `claude-orchestrator init --nested` makes a project with tasks of its own here.',
  );
}

const NEXT = 'claude-orchestrator check';

function notesFor(project: Project): string[] {
  const top = gitTop(project.root);
  if (top === undefined)
    return [
      `${project.root} is not in a git repository, so results cannot be told apart from your own changes. Run \`git init\` first if that matters.`,
    ];
  return top === project.root
    ? []
    : [
        `This is not the top of the git repository, which is ${top}. The project covers ${project.root} only.`,
      ];
}

/** Where paths stand, behind the word for what was done. */
const PATH_COLUMN = 13;

function describe(
  cli: Cli,
  options: CommonOptions,
  stacks: readonly Stack[],
  files: readonly FileReport[],
): string {
  const { bold, dim, green } = styles(useColor(cli, options));
  const wide = Math.max(...files.map(({ path }) => path.length));
  const lines = files.map(({ path, action, note }) => {
    const word = action === 'kept' ? dim(action.padEnd(9)) : green(action.padEnd(9));
    return `  ${word}  ${note === undefined ? path : `${path.padEnd(wide)}  ${dim(note)}`}`;
  });
  const detected =
    stacks.length === 0
      ? ['No known tool chain was found: put the commands that prove a change into verify.commands.']
      : stacks.map(
          ({ name, evidence, verify }) =>
            `${bold(name)} (${evidence}): ${verify.length === 0 ? 'nothing to verify with was found' : verify.join(', ')}`,
        );
  const folded = [...fold(cli.stdout, lines, PATH_COLUMN), '', ...fold(cli.stdout, detected)];
  return `${[...folded, '', `Next: ${bold(NEXT)}`].join('\n')}\n`;
}
