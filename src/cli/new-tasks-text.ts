import type { CallCost } from '../app/contract/usage.ts';
import { totalTokens } from '../domain/attempt.ts';
import type { Task, TaskDraft } from '../domain/task.ts';
import { fit, neutralise, truncate } from '../domain/text/display-text.ts';
import { formatDuration, formatMoney, formatTokens, plural } from '../domain/text/format.ts';
import type { Layout } from './tool-command.ts';

/** The option of commands that take a reply which was kept. */
export const REPLY_OPTION = [
  '--reply <file>',
  'take this reply, which was kept and which you have mended, instead of asking the manager',
] as const;

/** New tasks: how many were stored, or would be, and a line for each: id, title, what it needs, how long it may take. */
export function describeNewTasks(
  stored: boolean,
  tasks: readonly (Task | TaskDraft)[],
  { width, style }: Layout,
  where = '',
): string[] {
  const idWidth = Math.max(0, ...tasks.map(({ id }) => id.length));
  const lines = tasks.map((task) => {
    const needs = task.dependencies.length === 0 ? '' : `needs ${task.dependencies.join(', ')}`;
    const size = [task.size ?? '', task.estimateMinutes === null ? '' : `${task.estimateMinutes} min`];
    const facts = [needs, task.priority, size.join(' ').trim()].filter((fact) => fact !== '').join(' · ');
    const start = `  ${task.id.padStart(idWidth)}  `;
    const tail = truncate(facts, Math.max(10, Math.floor(width / 2)));
    const title = fit(neutralise(task.title), Math.max(10, width - start.length - tail.length - 2));
    return truncate(`${start}${title}  `, width) + style.dim(truncate(tail, width - start.length - 12));
  });
  const what = `${stored ? 'Stored' : 'Would store'} ${plural(tasks.length, 'task')}`;
  return [`${what}${stored ? '' : ' (--dry-run: nothing was stored)'}${where}`, ...lines];
}

type MaybeCost = { readonly [K in keyof CallCost]?: CallCost[K] | undefined };

/** What calls of the manager cost, if there were any: `Cost: $0.12 (12k tokens of claude-opus-5-5) in 42s`. */
export function describeCallCost({ usage, costUsd, durationMs }: MaybeCost): string[] {
  if (usage === undefined || costUsd === undefined || durationMs === undefined) return [];
  const tokens = usage.map(
    (each) => `${formatTokens(totalTokens(each))} tokens of ${neutralise(each.model)}`,
  );
  const what = tokens.length === 0 ? '' : ` (${tokens.join(', ')})`;
  return [`Cost: ${formatMoney(costUsd)}${what} in ${formatDuration(durationMs)}`];
}
