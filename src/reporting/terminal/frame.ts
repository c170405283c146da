import { describePause, type Pause } from '../../domain/text/pauses.ts';
import { displayWidth, fit, truncate, truncatePath, truncateWords } from '../../domain/text/display-text.ts';
import {
  formatDuration,
  formatEstimate,
  formatMoney,
  formatTokens,
  plural,
} from '../../domain/text/format.ts';
import type { FailedTask, Progress, RunningWorker } from '../progress/progress-model.ts';
import type { Styles } from '../../domain/text/styles.ts';
import { drawUsageLine, findExhaustedWindow } from '../../domain/text/usage-windows.ts';

/** The screen that a frame must fit into. */
export interface FrameSize {
  readonly columns: number;
  readonly rows: number;
}

const MOST_FAILURES = 5;
const LONGEST_BAR = 40;
const TIME_WIDTH = 7;
const COST_WIDTH = 8;

/**
 * Draws the live part of the display: the overall bar, totals, why nothing starts, how full the usage windows are, one
 * line for each running worker, and failures. It is never wider than `columns`. It is at least two lines lower than
 * `rows`, so that the lines printed last stay in sight. A line of its own counts what does not fit.
 */
export function drawFrame(progress: Progress, now: number, size: FrameSize, style: Styles): string[] {
  // The last cell stays free: some terminals break the line as soon as it is filled.
  const columns = Math.max(1, size.columns - 1);
  const room = Math.max(1, size.rows - 2);
  const head = drawTotals(progress, size, style);
  if (progress.paused !== null) head.push(pauseLine(progress.paused, progress, now, columns, style));
  if (progress.waitingForBudget > 0) head.push(budgetLine(progress, columns, style));
  const isRoomy = size.rows > 9;
  const windows = isRoomy ? drawUsageLine(progress.windows, columns, style) : undefined;
  if (windows !== undefined) head.push(windows);
  if (progress.billing !== '' && isRoomy) head.push(style.dim(truncate(progress.billing, columns)));

  const failureRoom = Math.min(MOST_FAILURES, Math.max(1, Math.floor((room - head.length) / 3)));
  const failures = fitted(progress.failures.toReversed(), failureRoom, 'failure', columns, style, (failure) =>
    failureLine(failure, columns, style),
  );
  const workerRoom = room - head.length - failures.length;
  const drawWorker = workerTable(progress.running.slice(0, workerRoom), now, columns, style);
  const workers = fitted(progress.running, workerRoom, 'worker', columns, style, drawWorker);
  return [...head, ...workers, ...failures].slice(0, room);
}

/** Draws the overall bar, and below it time, tokens and cost. */
export function drawTotals(progress: Progress, size: FrameSize, style: Styles): string[] {
  const columns = Math.max(1, size.columns - 1);
  return [overallLine(progress, columns, style), totalsLine(progress, columns, style)];
}

function overallLine({ counts, state }: Progress, columns: number, style: Styles): string {
  const done = counts.total === 0 ? 0 : (counts.done + counts.failed) / counts.total;
  const percent = `${Math.floor(done * 100)}%`.padStart(4);
  const parts = [
    style.green(`${counts.done} done`),
    style.cyan(`${counts.running} running`),
    counts.failed > 0 ? style.red(`${counts.failed} failed`) : style.dim('0 failed'),
    `${counts.waiting} waiting`,
  ];
  const words = state === 'starting' ? style.dim('starting') : parts.join(' · ');
  const width = Math.min(LONGEST_BAR, columns - displayWidth(words) - percent.length - 3);
  if (width < 4) return displayWidth(words) <= columns ? words : truncate(plainCounts(counts), columns);
  const filled = (count: number): number =>
    counts.total === 0 ? 0 : Math.floor((count / counts.total) * width);
  const good = filled(counts.done);
  const bad = filled(counts.done + counts.failed) - good;
  const rest = width - good - bad;
  const bar = style.green('━'.repeat(good)) + style.red('━'.repeat(bad)) + style.dim('─'.repeat(rest));
  return `${bar} ${style.bold(percent)}  ${words}`;
}

function plainCounts(counts: Progress['counts']): string {
  return `${counts.done}/${counts.total} done · ${counts.running} running · ${counts.failed} failed`;
}

function totalsLine(progress: Progress, columns: number, style: Styles): string {
  const parts = [
    formatDuration(progress.elapsedMs) +
      (progress.pausedMs >= 1000 ? ` (${formatDuration(progress.pausedMs)} paused)` : ''),
    ...(progress.remainingMs === null ? [] : [`${formatEstimate(progress.remainingMs)} left`]),
    `${formatTokens(progress.tokens)} tokens`,
    formatMoney(progress.costUsd),
    ...(progress.retries === 0 ? [] : [progress.retries === 1 ? '1 retry' : `${progress.retries} retries`]),
  ];
  return style.dim(truncate(parts.join(' · '), columns));
}

function pauseLine(pause: Pause, { windows }: Progress, now: number, columns: number, style: Styles): string {
  const exhausted = pause.reason === 'outage' ? undefined : findExhaustedWindow(windows);
  const text = describePause({ ...pause, window: exhausted?.name ?? null }, now, columns - 2);
  return style.yellow(truncate(`‖ ${text}`, columns));
}

function budgetLine({ waitingForBudget }: Progress, columns: number, style: Styles): string {
  const who = waitingForBudget === 1 ? '1 task waits' : `${waitingForBudget} tasks wait`;
  const text = `$ ${who} for money that running tasks hold`;
  return style.yellow(truncate(text, columns));
}

/** Draws workers as rows of a table. The columns are as wide as these workers need. */
function workerTable(
  workers: readonly RunningWorker[],
  now: number,
  columns: number,
  style: Styles,
): (worker: RunningWorker) => string {
  const labelWidth = Math.max(0, ...workers.map((worker) => labelOf(worker).length));
  const room = columns - labelWidth - TIME_WIDTH - COST_WIDTH - 8;
  const widest = Math.max(0, ...workers.map((worker) => displayWidth(worker.title)));
  const titleWidth = Math.min(widest, Math.max(Math.floor(room * 0.55), room - 60));
  return (worker) => {
    const label = labelOf(worker).padEnd(labelWidth);
    if (room < 16) return truncate(`▸ ${label} ${worker.title}`, columns);
    const action = worker.phase === 'working' && worker.action !== '' ? worker.action : worker.phase;
    const time = fit(formatDuration(now - worker.startedAt), TIME_WIDTH, 'right');
    const cost = fit(formatMoney(worker.costUsd), COST_WIDTH, 'right');
    const shownAction = style.dim(truncatePath(action, room - titleWidth));
    return `${style.cyan('▸')} ${style.bold(label)} ${fit(truncateWords(worker.title, titleWidth), titleWidth)}  ${time} ${cost}  ${shownAction}`;
  };
}

function labelOf({ taskId, number }: RunningWorker): string {
  return number > 1 ? `${taskId} (try ${number})` : taskId;
}

/** The reason is not repeated: it was printed above when the task failed. */
function failureLine(failure: FailedTask, columns: number, style: Styles): string {
  const what = failure.retrying ? 'is tried again' : failure.outcome;
  const label = `${failure.retrying ? '↻' : '✖'} ${failure.taskId} `;
  const room = Math.max(8, columns - displayWidth(label) - what.length - 3);
  const title = truncateWords(failure.title, room);
  const line = truncate(`${label}${title === '' ? '' : `${title} · `}${what}`, columns);
  return failure.retrying ? style.yellow(line) : style.red(line);
}

/** Draws as many items as there is room for. The last line says how many more there are. */
function fitted<T>(
  items: readonly T[],
  room: number,
  noun: string,
  columns: number,
  style: Styles,
  draw: (item: T) => string,
): string[] {
  if (room <= 0) return [];
  if (items.length <= room) return items.map(draw);
  const shown = items.slice(0, room - 1).map(draw);
  const more = truncate(`… and ${plural(items.length - shown.length, `more ${noun}`)}`, columns);
  return [...shown, style.dim(more)];
}
