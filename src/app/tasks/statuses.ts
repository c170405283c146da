import { fail } from '../../domain/failure.ts';
import { nearest } from '../../domain/text/nearest.ts';
import { TASK_STATUSES, type TaskStatus } from '../../domain/task.ts';

/** The statuses that `list` can filter by: every stored status, and the derived `blocked`. */
export const LIST_STATUSES = [...TASK_STATUSES, 'blocked'] as const;
export type ListStatus = (typeof LIST_STATUSES)[number];

/** Reads a status that a task can be set to. */
export function parseStatus(text: string): TaskStatus {
  const word = text.trim().toLowerCase();
  if (word === 'blocked')
    fail(
      'wrong-usage',
      'No task can be set to "blocked": whether a task is blocked follows from its dependencies.',
      'Add what it waits for with `depend add`, or put it aside with `set-status … deferred`.',
    );
  return TASK_STATUSES.find((status) => status === word) ?? refuse(text, TASK_STATUSES);
}

/** Reads a comma-separated list of statuses to filter by. */
export function parseListStatuses(texts: readonly string[]): ReadonlySet<ListStatus> {
  return new Set(
    texts
      .flatMap((text) => text.split(','))
      .map((piece) => {
        const word = piece.trim().toLowerCase();
        return LIST_STATUSES.find((status) => status === word) ?? refuse(piece, LIST_STATUSES);
      }),
  );
}

/** Words for statuses in other tools. */
const SYNONYMS: ReadonlyMap<string, TaskStatus> = new Map<string, TaskStatus>([
  ['completed', 'done'],
  ['complete', 'done'],
  ['finished', 'done'],
  ['closed', 'done'],
  ['todo', 'pending'],
  ['open', 'pending'],
  ['new', 'pending'],
  ['queued', 'pending'],
  ['started', 'in-progress'],
  ['doing', 'in-progress'],
  ['wip', 'in-progress'],
  ['running', 'in-progress'],
  ['active', 'in-progress'],
  ['reviewing', 'review'],
  ['postponed', 'deferred'],
  ['paused', 'deferred'],
  ['skipped', 'cancelled'],
  ['dropped', 'cancelled'],
  ['error', 'failed'],
]);

function refuse(text: string, statuses: readonly string[]): never {
  const word = text.trim().toLowerCase();
  const close = nearest(word.replaceAll(/\s+/g, '-'), [...statuses, ...SYNONYMS.keys()]);
  const meant = close === undefined ? undefined : (SYNONYMS.get(close) ?? close);
  fail(
    'wrong-usage',
    `${JSON.stringify(text.trim())} is not a status: expected one of ${statuses.join(', ')}.`,
    meant === undefined ? undefined : `Did you mean "${meant}"?`,
  );
}
