import type { Finding, Review } from '../domain/attempt.ts';
import type { Stamped } from '../domain/event.ts';
import type { TaskStore } from '../store/store.ts';
import type { TaskDraft, TaskId } from '../domain/task.ts';

/**
 * Stores the findings of a review whose change the settings let land, as deferred tasks: a person decides whether they
 * are worth their money. Returns a warning that names them.
 */
export function addFollowUps(store: TaskStore, taskId: TaskId, { findings }: Review): Stamped[] {
  if (findings.length === 0) return [];
  const last = Math.max(0, ...store.tasks().map(({ id }) => Number.parseInt(id, 10)));
  const drafts = findings.map((finding, index) => draftOf(finding, taskId, String(last + 1 + index)));
  const ids = store.addTasks(drafts, { source: `review of task ${taskId}` }).map(({ id }) => id);
  store.setStatus(ids, 'deferred', `The review of task ${taskId} left it open.`);
  const message =
    `The review of task ${taskId} left open findings, stored as deferred tasks: ${ids.join(', ')}. ` +
    `\`set-status ${ids.join(',')} pending\` lets \`run\` do them.`;
  return [store.record({ type: 'warning', message })];
}

function draftOf({ title, file, line, evidence, severity }: Finding, taskId: TaskId, id: TaskId): TaskDraft {
  const place = file === null ? '' : `${file}${line === null ? '' : `:${line}`}: `;
  return {
    id,
    title: `Follow up on task ${taskId}: ${title}`,
    description: `${place}${title}`,
    details: evidence,
    testStrategy: '',
    priority: severity === 'minor' ? 'low' : 'medium',
    dependencies: [],
    size: null,
    estimateMinutes: null,
    touches: file === null ? [] : [file],
    risk: null,
  };
}
