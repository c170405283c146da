import type { Command } from 'commander';
import type { Intention } from '../../app/contract/do.ts';
import { doWork, NOTHING_SPENT, type DoView } from '../../app/do.ts';
import { homeOf } from '../../app/project/user-data.ts';
import { neutralise, wrap } from '../../domain/text/display-text.ts';
import { formatMoney, plural } from '../../domain/text/format.ts';
import { askToConfirm } from '../ask.ts';
import { EXIT, type Cli } from '../cli.ts';
import { describeCallCost, describeNewTasks } from '../new-tasks-text.ts';
import { printJson } from '../print.ts';
import { exitCodeOf, requestOf, RunCommand, showRun, type RunOptions } from '../run-command.ts';
import type { Call } from '../tool-command.ts';

interface DoOptions extends RunOptions {
  readonly file?: readonly string[];
  readonly raw?: boolean;
  readonly yes?: boolean;
}

/** `do`: the whole job in one command, also in a repository that was never set up. */
export function makeCommand(cli: Cli): Command {
  return new RunCommand('do')
    .description(
      'Do things in this repository, from a sentence to staged results. Nothing has to be set up, and nothing but the results is written into it.',
    )
    .argument('[texts...]', 'what is to be done, each text a task; "-" for stdin')
    .option('-f, --file <file>', 'a requirements document instead, "-" for stdin; may be repeated', collect)
    .option('-y, --yes', 'begin without asking, as is needed without a terminal')
    .option('--raw', 'take each text as typed, without asking the manager to write the task')
    .runOptions()
    .examples(
      'do "Fix the login" "Add dark mode"',
      'do -f prd.md --workers 5 --max-cost 10',
      'do --yes --json - < task.txt',
    )
    .onRun<DoOptions>(cli, async (call) => {
      const { options, args: texts } = call;
      const { file: files = [], raw, workingDir } = options;
      const request = { ...requestOf(options), texts, files, raw, workingDir };
      const { summary, open } = await doWork(options, request, cli, viewOf(cli, call, [...texts, ...files]));
      const code = exitCodeOf(cli, { type: 'summary', ...summary });
      if (code !== EXIT.done && open.length > 0 && options.json !== true)
        cli.stderr.write(
          `Go on with \`claude-orchestrator run ${open.join(',')}\` here, or with the same \`do\` again.\n`,
        );
      return code;
    });
}

/** Shows what happens on stdout, and asks at the terminal whether to begin. */
function viewOf(cli: Cli, { options, layout, print }: Call<DoOptions>, sources: readonly string[]): DoView {
  const { json, quiet, yes } = options;
  return {
    ...showRun(cli, options),
    cannotConfirm: yes === true ? undefined : whyNobodyCanSayYes(cli, sources),
    confirm: async (intention) => {
      if (json === true) printJson(cli, intention);
      else if (quiet !== true || yes !== true)
        cli.stderr.write(`${describe(cli, intention, layout.width).join('\n')}\n`);
      return yes === true || (await askToConfirm(cli, 'Begin?', NOTHING_SPENT));
    },
    showTasks: (report) => {
      if (quiet === true && json !== true) return;
      print(report, ({ tasks, ...cost }) =>
        layout.fold([...describeNewTasks(true, tasks, layout), ...describeCallCost(cost)]),
      );
    },
  };
}

function whyNobodyCanSayYes({ stdin, stderr }: Cli, sources: readonly string[]): string | undefined {
  if (sources.includes('-')) return 'stdin holds what is to be done';
  return stdin.isTTY === true && stderr.isTTY === true ? undefined : 'This is no terminal';
}

/** What is going to be done, who pays, and at most how much. */
function describe(cli: Cli, intention: Intention, width: number): string[] {
  const { root, stateFolder, isOutside, workers, results, billing, maxCostUsd, note } = intention;
  const rows: (readonly [string, string])[] = [
    ['in', root],
    ['tasks', tasksOf(intention)],
    ['workers', `up to ${workers} at once, each in a worktree of its own`],
    ['verify', verifyOf(intention)],
    ['results', RESULTS[results]],
    ['pays', billing],
    [
      'at most',
      maxCostUsd === null
        ? 'no limit: --max-cost 5 sets one'
        : `${formatMoney(maxCostUsd)}, and what is under way when that is spent`,
    ],
  ];
  if (isOutside) {
    const home = `${homeOf(cli)}/`;
    const folder = stateFolder.startsWith(home) ? `~/${stateFolder.slice(home.length)}` : stateFolder;
    rows.push(['kept', `${folder} (tasks and logs; nothing else is written into the repository)`]);
  }
  if (note !== null) rows.push(['note', note]);
  const label = Math.max(...rows.map(([name]) => name.length)) + 2;
  const columns = Math.max(40, width - 1);
  return rows.flatMap(([name, text]) =>
    wrap(neutralise(text), columns - label).map(
      (line, index) => `${(index === 0 ? name : '').padEnd(label)}${line}`,
    ),
  );
}

function tasksOf({ texts, files, raw, continues }: Intention): string {
  if (continues !== null)
    return `${continues.join(', ')}, which the same request has made before: ${continues.length === 1 ? 'it goes' : 'they go'} on`;
  if (texts === null) return `what the manager makes of ${(files ?? []).join(', ')}`;
  return `${plural(texts.length, 'task')}, ${raw ? 'as typed' : 'written by the manager'}`;
}

function verifyOf({ verify, foundBy }: Intention): string {
  if (verify.length === 0) return 'nothing was found that proves a change; the review alone decides';
  return `${verify.join(', ')}${foundBy.length === 0 ? '' : ` (found by ${foundBy.join(', ')})`}`;
}

const RESULTS: Readonly<Record<Intention['results'], string>> = {
  staged: 'staged in your checkout, for you to look at and to commit',
  commits: 'commits on your branch',
  branch: 'commits on the integration branch',
  pr: 'a pull request',
  'in-place': 'changes in this directory, which all workers share',
};

function collect(text: string, before: readonly string[] = []): string[] {
  return [...before, text];
}
