import { plural } from '../../domain/text/format.ts';
import type { Notice, NoticeKind } from './notice.ts';

/** What stands before a notice of each kind. */
export const KIND_SIGNS: Readonly<Record<NoticeKind, string>> = {
  'task-complete': '✅',
  'task-failed': '❌',
  'run-ended': '🏁',
  paused: '⏸️',
  resumed: '▶️',
  'budget-reached': '💰',
  'usage-warning': '⚠️',
  'needs-person': '🙋',
};

/** The notices in one line: the last urgent one, else the only one, else what kinds there are. */
export function headline(notices: readonly Notice[]): string {
  const urgent = notices.findLast((notice) => notice.urgent);
  if (urgent !== undefined) return urgent.title;
  const [only] = notices;
  if (only !== undefined && notices.length === 1) return only.title;
  const count = (kind: NoticeKind): number => notices.filter((notice) => notice.kind === kind).length;
  const done = count('task-complete');
  const failed = count('task-failed');
  const parts = [
    ...(done === 0 ? [] : [`${plural(done, 'task')} done`]),
    ...(failed === 0 ? [] : [`${plural(failed, 'task')} failed`]),
  ];
  return parts.length === 0 ? plural(notices.length, 'notice') : parts.join(', ');
}
