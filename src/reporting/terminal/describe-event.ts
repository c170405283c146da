import { totalCost } from '../../domain/attempt.ts';
import { eventSentence } from '../../domain/text/event-sentence.ts';
import { OUTCOME_POLICY } from '../../domain/outcome.ts';
import { unreachable } from '../../domain/result.ts';
import type { Event, PauseReason, Stamped } from '../../domain/event.ts';
import { formatDue } from '../../domain/text/clock.ts';
import { displayWidth, firstLine, neutralise, truncateWords, wrap } from '../../domain/text/display-text.ts';
import { formatDuration, formatMoney, plural } from '../../domain/text/format.ts';
import type { RunningWorker } from '../progress/progress-model.ts';
import type { Styles } from '../../domain/text/styles.ts';
import { windowName } from '../../domain/text/usage-windows.ts';

/** A level of detail: of a line, the lowest level at which it is printed. */
export type Detail = 'quiet' | 'normal' | 'verbose';

/** An event as a line for people. */
export interface EventLine {
  readonly detail: Detail;
  readonly tone: 'plain' | 'good' | 'bad' | 'warn' | 'dim';
  /** When it happened, ISO 8601, UTC. */
  readonly at: string;
  /** One line, safe to print, without style. */
  readonly text: string;
  /** The part of `text` that may be cut if the line is too long: a title; else empty. */
  readonly title: string;
  /** The reason, if it is worth a line of its own; else empty. As safe as `text`. */
  readonly reason: string;
}

/** The event that says that another attempt follows. */
export type Retry = Stamped<Extract<Event, { type: 'retry-scheduled' }>>;

const SOURCES = {
  manager: 'Planned by the manager.',
  cache: 'Planned as before: nothing has changed since.',
  stored: 'In the order of the stored dependencies and estimates.',
} as const;

/** What has ended when a run goes on after a pause. */
const RESUMED: Readonly<Record<PauseReason, string>> = {
  'usage-limit': 'The usage limit has reset',
  reserve: 'There is usage to spare again',
  pacing: 'There is usage left again',
  outage: 'The outage is over',
};

/**
 * Describes an event for people; undefined if it says nothing new. `worker` is the attempt's state before the event.
 * `retry` is the event of the attempt that follows, if this one failed.
 */
export function describeEvent(
  event: Stamped,
  worker: RunningWorker | undefined,
  retry?: Retry,
): EventLine | undefined {
  const described = describe(event, worker, retry);
  if (described === undefined) return undefined;
  const { text, reason = '' } = described;
  const title = event.type === 'attempt-ended' && worker !== undefined ? worker.title : '';
  return { ...described, at: event.at, text: neutralise(text), title, reason: firstLine(reason) };
}

/** Whether a line is printed at a level of detail. */
export function isShown(line: EventLine, level: Detail): boolean {
  const order: readonly Detail[] = ['quiet', 'normal', 'verbose'];
  return order.indexOf(line.detail) <= order.indexOf(level);
}

/** Joins the line and its reason, in the style of its tone. */
export function paintLine({ tone, text, reason }: EventLine, style: Styles): string {
  return painted(tone, reason === '' ? text : `${text} · ${reason}`, style);
}

/**
 * Lays the line out for a terminal of `columns` cells: broken between words, with further rows and the reason
 * indented.
 */
export function layOutLine(
  { tone, text, title, reason }: EventLine,
  columns: number,
  style: Styles,
): string[] {
  // The last cell stays free: some terminals break the line as soon as it is filled.
  const rows = (words: string, indent: number, most: number): string[] => {
    const width = Math.max(MIN_WIDTH, columns - 1 - indent);
    const all = wrap(words, width);
    const cut = all.length > most ? `${all[most - 1] ?? ''} …` : '';
    return all
      .slice(0, most)
      .map((row, index) => (cut !== '' && index === most - 1 ? truncateWords(cut, width) : row));
  };
  const tooWide = Math.max(0, displayWidth(text) - (columns - 3));
  const room = Math.max(MIN_WIDTH, displayWidth(title) - tooWide);
  const [first = '', ...more] = rows(
    text.replace(title, () => truncateWords(title, room)),
    2,
    MOST_ROWS,
  );
  const head = [first, ...more.map((row) => `  ${row}`)];
  const why = reason === '' ? [] : rows(reason, 4, MOST_REASON_ROWS).map((row) => `    ${row}`);
  return [...head.map((row) => painted(tone, row, style)), ...why];
}

const MIN_WIDTH = 10;
/** A text from outside may have any length. The summary and `show` print more of it. */
const MOST_ROWS = 8;
const MOST_REASON_ROWS = 3;

function painted(tone: EventLine['tone'], text: string, style: Styles): string {
  switch (tone) {
    case 'good':
      return style.green(text);
    case 'bad':
      return style.red(text);
    case 'warn':
      return style.yellow(text);
    case 'dim':
      return style.dim(text);
    case 'plain':
      return text;
  }
}

type Described = Pick<EventLine, 'detail' | 'tone' | 'text'> & { readonly reason?: string };

const line = (detail: Detail, tone: EventLine['tone'], text: string, reason = ''): Described => ({
  detail,
  tone,
  text,
  reason,
});

function describe(
  event: Stamped,
  worker: RunningWorker | undefined,
  retry: Retry | undefined,
): Described | undefined {
  const name = worker === undefined || worker.title === '' ? '' : ` ${worker.title}`;
  switch (event.type) {
    case 'run-started': {
      const size = `${plural(event.tasks, 'task')}, ${plural(event.workers, 'worker')}`;
      return line('normal', 'plain', `Run ${event.runId}: ${size} · ${event.billing}`);
    }
    case 'run-planned':
      return line('normal', 'dim', SOURCES[event.source]);
    case 'run-ended':
      // The summary that follows says more about it.
      return line('verbose', 'dim', `· Run ${event.runId} ended: ${event.outcome.replaceAll('-', ' ')}`);
    case 'attempt-started': {
      const again = event.number > 1 ? ` (try ${event.number}${event.resumed ? ', same session' : ''})` : '';
      return line('normal', 'plain', `▸ ${event.taskId} ${event.title}${again} · ${event.why}`);
    }
    case 'attempt-prepared':
      return line('verbose', 'dim', `· ${event.taskId} workspace ${event.directory}`);
    case 'landing-intended':
      return line('verbose', 'dim', `· ${event.taskId} landing as ${event.commit.slice(0, 12)}`);
    case 'run-delivered':
      return event.delivery.kind === 'none'
        ? undefined
        : line('verbose', 'dim', `· ${event.delivery.message}`);
    case 'attempt-spawned':
      return line('verbose', 'dim', `· ${event.taskId} process ${event.process.pid}`);
    case 'attempt-phase':
      return line('verbose', 'dim', `· ${event.taskId} ${event.phase}`);
    case 'attempt-progress': {
      const { action } = event.progress;
      const isNew = action !== '' && neutralise(action) !== worker?.action;
      return isNew ? line('verbose', 'dim', `· ${event.taskId} ${action}`) : undefined;
    }
    case 'attempt-ended':
      return describeEnd(event, name, worker, retry);
    case 'retry-scheduled':
      return line('normal', 'warn', `↻ ${event.taskId} · ${describeRetry(event)}`, event.why);
    case 'status-changed':
      return line('verbose', 'dim', `· ${event.taskId} ${event.from} → ${event.to} · ${event.why}`);
    case 'tasks-added':
      return line('normal', 'plain', `+ ${event.taskIds.join(', ')} added · ${event.source}`);
    case 'tasks-deleted':
      return line('normal', 'plain', `- ${event.taskIds.join(', ')} deleted`);
    case 'task-edited':
      return line('verbose', 'dim', `· ${event.taskId} edited: ${Object.keys(event.changes).join(', ')}`);
    case 'dependency-added':
      return line('verbose', 'dim', `· ${event.taskId} now needs ${event.dependsOn}`);
    case 'dependency-removed':
      return line('verbose', 'dim', `· ${event.taskId} no longer needs ${event.dependsOn}`);
    case 'manager-called': {
      const cost = totalCost(event.usage);
      const what = event.taskId === undefined ? event.purpose : `${event.purpose} of task ${event.taskId}`;
      const figures = `${formatDuration(event.durationMs)} · ${formatMoney(cost)}`;
      return line('verbose', 'dim', `· manager: ${what} · ${figures}`);
    }
    case 'manager-cut-off':
      return line('normal', 'warn', `! ${eventSentence(event)}.`);
    case 'run-paused':
      return line('quiet', 'warn', describePaused(event));
    case 'run-resumed':
      return line('quiet', 'good', `▶ ${RESUMED[event.reason]}: the run goes on.`);
    case 'usage-warning':
      return line('quiet', 'warn', describeUsage(event));
    case 'budget-wait':
      return event.waiting === 0
        ? line('verbose', 'dim', '· No task waits for money any more.')
        : line('normal', 'warn', `$ ${describeBudgetWait(event)}`);
    case 'warning':
      return line('quiet', 'warn', `! ${event.message}`);
    default:
      return unreachable(event);
  }
}

function describeBudgetWait({
  waiting,
  heldUsd,
  freeUsd,
}: Extract<Stamped, { type: 'budget-wait' }>): string {
  const who = waiting === 1 ? '1 task that could start waits' : `${waiting} tasks that could start wait`;
  return `${who} for money: running tasks hold ${formatMoney(heldUsd)} of the budget, and ${formatMoney(freeUsd)} is free.`;
}

function describePaused({ at, reason, until, message }: Extract<Stamped, { type: 'run-paused' }>): string {
  const cause = /[.!?]$/.test(message) ? message : `${message}.`;
  const due = formatDue(Date.parse(until), Date.parse(at));
  return `‖ ${cause} The run ${reason === 'outage' ? 'tries again' : 'goes on'} at ${due}.`;
}

function describeUsage(event: Extract<Stamped, { type: 'usage-warning' }>): string {
  const { at, account, window, used, resetsAt } = event;
  const reset = resetsAt === null ? '' : `; it resets at ${formatDue(Date.parse(resetsAt), Date.parse(at))}`;
  return `! ${Math.floor(used)} % of the ${windowName(window)} window of the ${account} is used${reset}.`;
}

function describeRetry({ number, delayMs }: Retry): string {
  return `try ${number}${delayMs >= 1000 ? ` in ${formatDuration(delayMs)}` : ''}`;
}

function describeEnd(
  { at, taskId, end }: Extract<Stamped, { type: 'attempt-ended' }>,
  name: string,
  worker: RunningWorker | undefined,
  retry: Retry | undefined,
): Described {
  const policy = OUTCOME_POLICY[end.outcome];
  const cost = totalCost(end.usage);
  const time = worker === undefined ? '' : ` · ${formatDuration(Date.parse(at) - worker.startedAt)}`;
  const figures = `${time} · ${formatMoney(cost)}`;
  if (policy.success) {
    const unchanged = end.outcome === 'no-change' ? ' · nothing to change' : '';
    return line('normal', 'good', `✔ ${taskId}${name}${unchanged}${figures}`);
  }
  const reason = end.message === '' ? end.outcome : `${end.outcome}: ${firstLine(end.message)}`;
  // A task that is tried again has not failed yet.
  if (retry !== undefined)
    return line('normal', 'warn', `↻ ${taskId}${name}${figures} · ${describeRetry(retry)}`, reason);
  const [symbol, tone] = policy.charged ? (['✖', 'bad'] as const) : (['■', 'warn'] as const);
  return line('quiet', tone, `${symbol} ${taskId}${name}${figures}`, reason);
}
