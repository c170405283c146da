import { neutralise } from '../domain/text/display-text.ts';
import type { Style, Styles } from '../domain/text/styles.ts';
import { isSettled, parentOf, type ListedTask, type TaskId } from '../domain/task.ts';
import type { ListStatus } from '../app/tasks/statuses.ts';
import { renderTable, type Column } from './table.ts';
import {
  expectedMinutes,
  isEstimated,
  shownStatus,
  type ListBoard,
  type TaskView,
} from '../app/tasks/view.ts';

type ListedView = TaskView<ListedTask>;

/** The lines of `list`; dependencies that are not settled carry a `*`. */
export function renderTaskTable(
  views: readonly ListedView[],
  board: ListBoard,
  width: number,
  style: Styles,
): string[] {
  const statusStyles = stylesOfStatuses(style);
  const columns: Column<ListedView>[] = [
    { header: 'ID', text: ({ task }) => task.id },
    {
      header: 'STATUS',
      text: ({ task, waitingFor }) => shownStatus(task.status, waitingFor),
      style: (shown, { task, waitingFor }) => statusStyles[shownStatus(task.status, waitingFor)](shown),
    },
    {
      header: 'PRIORITY',
      text: ({ task }) => task.priority,
      style: (shown, { task }) => (task.priority === 'critical' ? style.red(shown) : shown),
      keep: 2,
    },
    {
      header: 'TIME',
      text: ({ task, subtasks }) =>
        isEstimated(task, subtasks) ? formatMinutes(expectedMinutes(board, task)) : '',
      align: 'right',
      keep: 1,
    },
    {
      header: 'DEPENDS ON',
      text: (view) => dependenciesCell(view, board),
      max: Math.max(10, Math.floor(width / 5)),
      keep: 3,
    },
    {
      header: 'TITLE',
      text: (view) => titleCell(view, board),
      style: (shown, { task }) => (isSettled(task.status) ? style.dim(shown) : shown),
    },
  ];
  return renderTable(views, columns, width, style.bold);
}

/** How each status word is coloured, everywhere. */
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

function dependenciesCell({ task, waitingFor }: ListedView, { links }: ListBoard): string {
  if (waitingFor.length === 0) return task.dependencies.join(', ');
  const waits = (id: TaskId): boolean =>
    links.isGroup(id) ? links.needs(id).some((need) => waitingFor.includes(need)) : waitingFor.includes(id);
  return task.dependencies.map((id) => (waits(id) ? `${id}*` : id)).join(', ');
}

function titleCell({ task, subtasks }: ListedView, { links }: ListBoard): string {
  const title = neutralise(task.title);
  if (subtasks.length > 0) {
    const settled = subtasks.filter((id) => isSettled(links.nodes.get(id)?.status ?? 'pending'));
    return `[${settled.length}/${subtasks.length}] ${title}`;
  }
  return parentOf(task.id) === undefined ? title : `  ${title}`;
}
