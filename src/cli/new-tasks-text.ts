import { sumUsage, totalTokens, type ModelUsage } from '../domain/attempt.ts';
import { Failed } from '../domain/failure.ts';
import type { ManagerFailure } from '../manager/manager.ts';
import { fit, neutralise, truncate } from '../domain/text/display-text.ts';
import { formatDuration, formatMoney, formatTokens, plural } from '../domain/text/format.ts';
import type { Styles } from '../domain/text/styles.ts';
import type { Task, TaskDraft, TaskId } from '../domain/task.ts';
import type { Cli } from './cli.ts';
import { fold } from './fold.ts';
import { keepReply } from '../app/planning/kept-reply.ts';
import type { CommonOptions } from './command.ts';
import type { Project } from '../app/project/project.ts';

/** What the manager's calls cost, in the documented JSON shape. */
export interface CallCost {
  readonly usage: readonly ModelUsage[];
  readonly costUsd: number;
  readonly durationMs: number;
}

/** Sums up what one command's calls cost. */
export function callCost({ usage, durationMs }: Pick<ManagerFailure, 'usage' | 'durationMs'>): CallCost {
  return {
    usage: sumUsage(usage),
    costUsd: usage.reduce((sum, each) => sum + each.costUsd, 0),
    durationMs,
  };
}

/**
 * Fails as the manager did; what the calls cost all the same is said too, and where a reply of theirs is kept that
 * `command` takes once it is mended.
 */
export function failAsManager(
  unanswered: ManagerFailure,
  project: Project,
  command: readonly string[],
): never {
  const { failure } = unanswered;
  const { costUsd } = callCost(unanswered);
  if (costUsd === 0) throw new Failed(failure);
  const kept = keepReply(project, command, unanswered);
  throw new Failed({
    ...failure,
    message: `${failure.message}\nIt cost ${formatMoney(costUsd)}.`,
    ...(kept === undefined ? {} : { fix: kept }),
  });
}

/** Tells what was mended in a reply. */
export function tellNotes(cli: Cli, { quiet }: CommonOptions, notes: readonly string[]): void {
  if (quiet === true) return;
  for (const line of fold(
    cli.stderr,
    notes.map((note) => `mended: ${neutralise(note)}`),
  ))
    cli.stderr.write(`${line}\n`);
}

/** New tasks as lines of at most `columns` cells: id, title, what they need, how long they may take. */
export function formatDrafts(tasks: readonly (Task | TaskDraft)[], columns: number, style: Styles): string[] {
  const idWidth = Math.max(0, ...tasks.map(({ id }) => id.length));
  return tasks.map((task) => {
    const needs = task.dependencies.length === 0 ? '' : `needs ${task.dependencies.join(', ')}`;
    const size = [task.size ?? '', task.estimateMinutes === null ? '' : `${task.estimateMinutes} min`];
    const facts = [needs, task.priority, size.join(' ').trim()].filter((fact) => fact !== '').join(' · ');
    const start = `  ${task.id.padStart(idWidth)}  `;
    const tail = truncate(facts, Math.max(10, Math.floor(columns / 2)));
    const title = fit(neutralise(task.title), Math.max(10, columns - start.length - tail.length - 2));
    return truncate(`${start}${title}  `, columns) + style.dim(truncate(tail, columns - start.length - 12));
  });
}

/** `2 calls' cost` for people: `Cost: $0.12 (12k tokens of claude-opus-5-5) in 42s`. */
export function formatCallCost({ usage, costUsd, durationMs }: CallCost): string {
  const tokens = usage.map(
    (each) => `${formatTokens(totalTokens(each))} tokens of ${neutralise(each.model)}`,
  );
  const what = tokens.length === 0 ? '' : ` (${tokens.join(', ')})`;
  return `Cost: ${formatMoney(costUsd)}${what} in ${formatDuration(durationMs)}`;
}

/** `Stored 3 tasks` or `Would store 1 task`. */
export function formatStored(count: number, dryRun: boolean): string {
  return `${dryRun ? 'Would store' : 'Stored'} ${plural(count, 'task')}${dryRun ? ' (--dry-run: nothing was stored)' : ''}`;
}

const MAX_TITLE = 120;

/** A task as it was typed: the first line is the title; the whole text is kept. */
export function rawDraft(id: TaskId, text: string): TaskDraft {
  const line = (text.trim().split(/[\r\n]/, 1)[0] ?? '').replace(/[\s\p{Cc}]+/gu, ' ').trim();
  const characters = Array.from(line);
  const title = characters.length <= MAX_TITLE ? line : `${characters.slice(0, MAX_TITLE - 1).join('')}…`;
  return {
    id,
    title: title === '' ? 'Untitled' : title,
    description: text.trim(),
    details: '',
    testStrategy: '',
    priority: 'medium',
    dependencies: [],
    size: null,
    estimateMinutes: null,
    touches: [],
    risk: null,
  };
}

/** The id after those of all tasks. */
export function nextId(tasks: readonly Task[]): TaskId {
  return String(tasks.reduce((most, { id }) => Math.max(most, Number.parseInt(id, 10)), 0) + 1);
}
