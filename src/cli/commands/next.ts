import type { Command } from 'commander';
import type { NextReport } from '../../app/contract/next.ts';
import { next } from '../../app/next.ts';
import { neutralise } from '../../domain/text/display-text.ts';
import { plural } from '../../domain/text/format.ts';
import type { Cli } from '../cli.ts';
import { describeCounts, inList } from '../task-text.ts';
import { ToolCommand, type Layout } from '../tool-command.ts';

/** `next`: the task that `run` would start first, and why. If there is none, what everything waits for. */
export function makeCommand(cli: Cli): Command {
  return new ToolCommand('next')
    .description(
      'Name the task to do next, and why: the longest chain of work that hangs on it, then its priority, then its id.',
    )
    .examples('next', 'next --json')
    .onRun(cli, async ({ project, print }) => {
      print(await next(project), describe);
    });
}

/** How many names are listed before the rest is only counted. */
const MAX_NAMED = 5;

function describe(
  { next: first, alsoReady, waitingFor, counts }: NextReport,
  { style, options: { quiet, tag } }: Layout,
): string[] {
  if (first !== null) {
    const lines = [`${style.bold(first.id)}  ${style.bold(neutralise(first.title))}`];
    if (quiet === true) return lines;
    lines.push(`Why: ${first.why}.`);
    if (first.status === 'failed') lines.push(`It has failed before: \`show ${first.id}\` says why.`);
    for (const id of first.cancelledDependencies)
      lines.push(`It needs ${id}, which was cancelled and will never be done.`);
    if (alsoReady.length > 0) lines.push(`Also ready: ${listed(alsoReady)}.`);
    lines.push(
      `Have it done with \`claude-orchestrator run ${first.id}\`, or take it yourself with \`set-status ${first.id} in-progress\`.`,
    );
    return lines;
  }
  if (counts === null || counts.total === 0)
    return [
      `There are no tasks yet${inList(tag)}: \`claude-orchestrator parse prd.md\` makes them from a document, \`claude-orchestrator add "…"\` adds one.`,
    ];
  if (waitingFor.length === 0) return [`Nothing is left to do. ${describeCounts(counts)}.`];
  return [
    'Nothing can start now. All open tasks wait for:',
    ...waitingFor.slice(0, MAX_NAMED).map(describeHolder),
    ...(waitingFor.length > MAX_NAMED ? [`  … and ${waitingFor.length - MAX_NAMED} more`] : []),
    'Settle one with `set-status ID done`, or bring it back with `set-status ID pending`.',
  ];
}

function describeHolder({ id, title, status, holdsUp }: NextReport['waitingFor'][number]): string {
  const behind = holdsUp === 0 ? '' : `, holds up ${plural(holdsUp, 'task')}`;
  return `  ${id}  ${neutralise(title)} (${status}${behind})`;
}

function listed(ids: readonly string[]): string {
  const named = ids.slice(0, MAX_NAMED).join(', ');
  return ids.length > MAX_NAMED ? `${named} and ${ids.length - MAX_NAMED} more` : named;
}
