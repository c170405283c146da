import type { ListStatus } from '../app/tasks/statuses.ts';
import type { TaskCounts } from '../domain/task-outline.ts';
import type { Style, Styles } from '../domain/text/styles.ts';

/** The colour of each status, the same in all texts. */
export function stylesOfStatuses(style: Styles): Readonly<Record<ListStatus, Style>> {
  const plain: Style = (text) => text;
  return {
    pending: plain,
    blocked: style.dim,
    'in-progress': style.cyan,
    review: style.cyan,
    done: style.green,
    failed: style.red,
    deferred: style.yellow,
    cancelled: style.dim,
  };
}

/** `8m`, `1h 30m`. */
export function formatMinutes(minutes: number): string {
  const whole = Math.max(1, Math.round(minutes));
  if (whole < 60) return `${whole}m`;
  return `${Math.floor(whole / 60)}h ${String(whole % 60).padStart(2, '0')}m`;
}

/** `12 tasks: 3 done, 1 in progress, 2 ready, 6 blocked`. */
export function describeCounts(counts: TaskCounts): string {
  const parts: [number, string][] = [
    [counts.done, 'done'],
    [counts['in-progress'], 'in progress'],
    [counts.review, 'in review'],
    [counts.pending - counts.blocked, 'ready'],
    [counts.blocked, 'blocked'],
    [counts.failed, 'failed'],
    [counts.deferred, 'deferred'],
    [counts.cancelled, 'cancelled'],
  ];
  const shown = parts.filter(([count]) => count > 0).map(([count, word]) => `${count} ${word}`);
  return `${counts.total} ${counts.total === 1 ? 'task' : 'tasks'}: ${shown.join(', ')}`;
}

/** ` in list "release"` if --tag was given. Otherwise a mistyped tag would look like an empty list. */
export function inList(tag: string | undefined): string {
  return tag === undefined ? '' : ` in list ${JSON.stringify(tag)}`;
}
