import { printJson, stdoutWidth } from '../print.ts';
import { neutralise, wrap } from '../../domain/text/display-text.ts';
import { formatMoney, plural } from '../../domain/text/format.ts';
import type { TaskId } from '../../domain/task.ts';
import type { Payer } from '../../domain/billing.ts';
import type { Cli } from '../cli.ts';
import { describeBilling } from '../../app/claude/payer.ts';
import type { LoadedConfig } from '../../app/config/load-config.ts';
import { homeOf } from '../../app/project/user-data.ts';
import type { OneOffPlace } from '../../app/do/place.ts';
import type { OneOffOptions, OneOffRequest } from '../../app/do/requested-work.ts';

/** What a one-off is going to do. */
export interface Intention {
  readonly place: OneOffPlace;
  readonly request: OneOffRequest;
  /** Tasks that an earlier call of the same request has left; null where there are none. */
  readonly continues: readonly TaskId[] | null;
  readonly settings: LoadedConfig;
  readonly payer: Payer;
}

/** Says what is going to be done, who pays, and at most how much: before anything is spent. */
export function tellIntention(cli: Cli, options: OneOffOptions, intention: Intention): void {
  const { place, request, continues, settings, payer } = intention;
  const { project, stacks, note } = place;
  const { execution, verify, budget } = settings.config;
  const billing = describeBilling(payer, settings);
  const { max_cost_usd: maxCostUsd } = budget;
  if (options.json === true) {
    const { root, stateFolder, isOutside } = project;
    printJson(cli, {
      type: 'intention',
      root,
      stateFolder,
      isOutside,
      texts: request.document === undefined ? request.texts : null,
      files: request.document === undefined ? null : (options.file ?? []),
      continues,
      workers: execution.max_workers,
      verify: verify.commands,
      results: resultsOf(settings),
      billing,
      maxCostUsd,
      note: note ?? null,
    });
    return;
  }
  if (options.quiet === true && options.yes === true) return;
  const rows: readonly (readonly [string, string])[] = [
    ['in', project.root],
    ['tasks', tasksOf(options, request, continues)],
    ['workers', `up to ${execution.max_workers} at once, each in a worktree of its own`],
    ['verify', verifyOf(verify.commands, stacks)],
    ['results', RESULTS[resultsOf(settings)]],
    ['pays', billing],
    [
      'at most',
      maxCostUsd === null
        ? 'no limit: --max-cost 5 sets one'
        : `${formatMoney(maxCostUsd)}, and what is under way when that is spent`,
    ],
    ...(project.isOutside
      ? [
          [
            'kept',
            `${short(cli, project.stateFolder)} (tasks and logs; nothing else is written into the repository)`,
          ] as const,
        ]
      : []),
    ...(note === undefined ? [] : [['note', note] as const]),
  ];
  const label = Math.max(...rows.map(([name]) => name.length)) + 2;
  const columns = Math.max(40, stdoutWidth(cli) - 1);
  const lines = rows.flatMap(([name, text]) =>
    wrap(neutralise(text), columns - label).map(
      (line, index) => `${(index === 0 ? name : '').padEnd(label)}${line}`,
    ),
  );
  cli.stderr.write(`${lines.join('\n')}\n`);
}

function tasksOf(
  options: OneOffOptions,
  { texts, document }: OneOffRequest,
  continues: Intention['continues'],
): string {
  if (continues !== null)
    return `${continues.join(', ')}, which the same request has made before: ${continues.length === 1 ? 'it goes' : 'they go'} on`;
  if (document !== undefined) return `what the manager makes of ${(options.file ?? []).join(', ')}`;
  return `${plural(texts.length, 'task')}, ${options.raw === true ? 'as typed' : 'written by the manager'}`;
}

function verifyOf(commands: readonly string[], stacks: OneOffPlace['stacks']): string {
  if (commands.length === 0) return 'nothing was found that proves a change; the review alone decides';
  const found = stacks.filter((stack) => stack.verify.some((command) => commands.includes(command)));
  const why = found.map(({ evidence }) => evidence).join(', ');
  return `${commands.join(', ')}${why === '' ? '' : ` (found by ${why})`}`;
}

type Results = 'staged' | 'commits' | 'branch' | 'pr' | 'in-place';

function resultsOf({ config: { execution, git } }: LoadedConfig): Results {
  if (execution.isolation === 'none') return 'in-place';
  if (git.deliver !== 'checkout') return git.deliver;
  return git.auto_commit ? 'commits' : 'staged';
}

const RESULTS: Readonly<Record<Results, string>> = {
  staged: 'staged in your checkout, for you to look at and to commit',
  commits: 'commits on your branch',
  branch: 'commits on the integration branch',
  pr: 'a pull request',
  'in-place': 'changes in this directory, which all workers share',
};

/** A path in the home directory as people write it. */
function short(cli: Cli, path: string): string {
  const home = homeOf(cli);
  return path.startsWith(`${home}/`) ? `~${path.slice(home.length)}` : path;
}
