import type { ListedTask } from '../../domain/task.ts';
import type { TaskCounts } from '../../domain/task-outline.ts';
import { shownStatus, type TaskView } from './view.ts';

/** Counts tasks; `pending` includes what is blocked, `ready` what failed and can be tried again. */
export function countTasks(views: readonly TaskView<ListedTask>[]): TaskCounts {
  const counts: Record<keyof TaskCounts, number> = {
    total: 0,
    ready: 0,
    blocked: 0,
    pending: 0,
    'in-progress': 0,
    review: 0,
    done: 0,
    failed: 0,
    deferred: 0,
    cancelled: 0,
  };
  for (const view of views) {
    if (view.subtasks.length > 0) continue;
    counts.total++;
    counts[view.task.status]++;
    if (view.ready) counts.ready++;
    if (shownStatus(view.task.status, view.waitingFor) === 'blocked') counts.blocked++;
  }
  return counts;
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

/** ` in list "release"` where it is not the usual list; a mistyped --tag looks like an empty list otherwise. */
export function inList(tag: string | undefined): string {
  return tag === undefined ? '' : ` in list ${JSON.stringify(tag)}`;
}
