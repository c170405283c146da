import { neutralise } from '../../reporting/display-text.ts';
import type { Style, Styles } from '../../reporting/styles.ts';
import { isSettled, parentOf } from '../../task.ts';
import type { ListStatus } from './statuses.ts';
import { renderTable, type Column } from './table.ts';
import { shownStatus, workOf, type TaskBoard, type TaskView } from './view.ts';

/** The lines of `list`; dependencies that are not settled carry a `*`. */
export function renderTaskTable(
  views: readonly TaskView[],
  board: TaskBoard,
  width: number,
  style: Styles,
): string[] {
  const statusStyles = stylesOfStatuses(style);
  const columns: Column<TaskView>[] = [
    { header: 'ID', text: (view) => view.id },
    {
      header: 'STATUS',
      text: (view) => shownStatus(view),
      style: (shown, view) => statusStyles[shownStatus(view)](shown),
    },
    {
      header: 'PRIORITY',
      text: (view) => view.priority,
      style: (shown, view) => (view.priority === 'critical' ? style.red(shown) : shown),
      keep: 2,
    },
    { header: 'TIME', text: (view) => expectedTime(view), align: 'right', keep: 1 },
    {
      header: 'DEPENDS ON',
      text: (view) => dependenciesCell(view, board),
      max: Math.max(10, Math.floor(width / 5)),
      keep: 3,
    },
    {
      header: 'TITLE',
      text: (view) => titleCell(view, board),
      style: (shown, view) => (isSettled(view.status) ? style.dim(shown) : shown),
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

/** `8m`, `1h 30m`, or nothing where no plan has estimated the task. */
export function expectedTime(view: TaskView): string {
  if (view.size === null && view.estimateMinutes === null && view.subtasks.length === 0) return '';
  const minutes = Math.max(1, Math.round(view.expectedMinutes));
  if (minutes < 60) return `${minutes}m`;
  return `${Math.floor(minutes / 60)}h ${String(minutes % 60).padStart(2, '0')}m`;
}

function dependenciesCell(view: TaskView, { graph }: TaskBoard): string {
  return view.dependencies
    .map((id) => {
      const open = workOf(graph, id).some((work) => !isSettled(graph.nodes.get(work)?.status ?? 'done'));
      return open ? `${id}*` : id;
    })
    .join(', ');
}

function titleCell(view: TaskView, { graph }: TaskBoard): string {
  const title = neutralise(view.title);
  if (view.subtasks.length > 0) {
    const settled = view.subtasks.filter((id) => isSettled(graph.nodes.get(id)?.status ?? 'pending'));
    return `[${settled.length}/${view.subtasks.length}] ${title}`;
  }
  return parentOf(view.id) === undefined ? title : `  ${title}`;
}
