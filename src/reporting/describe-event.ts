import { OUTCOME_POLICY } from '../outcome.ts';
import { unreachable } from '../result.ts';
import type { PauseReason, RunOutcome, Stamped } from '../event.ts';
import { formatDue, withClockTimes } from './clock.ts';
import { firstLine, neutralise } from './display-text.ts';
import { formatDuration, formatMoney, plural } from './format.ts';
import type { RunningWorker } from './progress-model.ts';
import type { Styles } from './styles.ts';
import { windowName } from './window-name.ts';

/** From which level of detail on a line is printed. */
export type Detail = 'quiet' | 'normal' | 'verbose';

/** One event as a line for people. */
export interface EventLine {
  readonly detail: Detail;
  readonly tone: 'plain' | 'good' | 'bad' | 'warn' | 'dim';
  /** One line, safe to print, without style. */
  readonly text: string;
}

const SOURCES = {
  manager: 'Planned by the manager.',
  cache: 'Planned as before: nothing has changed since.',
  stored: 'In the order of the stored dependencies and estimates.',
} as const;

/** What is over when a run goes on. */
const RESUMED: Readonly<Record<PauseReason, string>> = {
  'usage-limit': 'The usage limit has reset',
  reserve: 'There is usage to spare again',
  pacing: 'There is usage left again',
  outage: 'The outage is over',
};

/** How a run ended, in plain words. */
export const RUN_OUTCOME_WORDS: Readonly<Record<RunOutcome, string>> = {
  completed: 'Everything is done.',
  'completed-with-failures': 'The run is over, but not everything is done.',
  'paused-usage-limit': 'Stopped at a usage limit; the rest is still to do.',
  'over-budget': 'Stopped at the budget; the rest is still to do.',
  unauthenticated: 'Stopped: the credentials do not work.',
  'model-unavailable': 'Stopped: the model cannot be used.',
  outage: 'Stopped: the API or this machine did not recover; the rest is still to do.',
  interrupted: 'Interrupted; what was done so far is saved.',
};

/** The event for people, or undefined where it says nothing new; `worker` is the attempt's state before the event. */
export function describeEvent(event: Stamped, worker: RunningWorker | undefined): EventLine | undefined {
  const described = describe(event, worker);
  return described && { ...described, text: neutralise(described.text) };
}

/** Whether a line of that detail is printed at that level. */
export function isShown(line: EventLine, level: Detail): boolean {
  const order: readonly Detail[] = ['quiet', 'normal', 'verbose'];
  return order.indexOf(line.detail) <= order.indexOf(level);
}

/** The line's text in the style of its tone. */
export function paintLine(line: EventLine, style: Styles): string {
  switch (line.tone) {
    case 'good':
      return style.green(line.text);
    case 'bad':
      return style.red(line.text);
    case 'warn':
      return style.yellow(line.text);
    case 'dim':
      return style.dim(line.text);
    case 'plain':
      return line.text;
  }
}

const line = (detail: Detail, tone: EventLine['tone'], text: string): EventLine => ({ detail, tone, text });

function describe(event: Stamped, worker: RunningWorker | undefined): EventLine | undefined {
  const name = worker === undefined || worker.title === '' ? '' : ` ${worker.title}`;
  switch (event.type) {
    case 'run-started': {
      const size = `${plural(event.tasks, 'task')}, ${plural(event.workers, 'worker')}`;
      return line('normal', 'plain', `Run ${event.runId}: ${size} · ${event.billing}`);
    }
    case 'run-planned':
      return line('normal', 'dim', SOURCES[event.source]);
    case 'run-ended': {
      const tone = event.outcome === 'completed' ? 'good' : 'warn';
      return line(
        'normal',
        tone,
        `${RUN_OUTCOME_WORDS[event.outcome]} ${withClockTimes(event.message, Date.parse(event.at))}`,
      );
    }
    case 'attempt-started': {
      const again = event.number > 1 ? ` (try ${event.number}${event.resumed ? ', same session' : ''})` : '';
      return line('normal', 'plain', `▸ ${event.taskId} ${event.title}${again} · ${event.why}`);
    }
    case 'attempt-prepared':
      return line('verbose', 'dim', `· ${event.taskId} workspace ${event.directory}`);
    case 'landing-intended':
      return line('verbose', 'dim', `· ${event.taskId} landing as ${event.commit.slice(0, 12)}`);
    case 'run-delivered': {
      const { kind, message, commands } = event.delivery;
      if (kind === 'none') return undefined;
      const text = commands.length === 0 ? message : `${message} Take them with: ${commands.join('; ')}`;
      return line('normal', kind === 'left' ? 'warn' : 'good', text);
    }
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
      return describeEnd(event, name, worker);
    case 'retry-scheduled': {
      const delay = event.delayMs >= 1000 ? ` in ${formatDuration(event.delayMs)}` : '';
      return line('normal', 'warn', `↻ ${event.taskId} try ${event.number}${delay} · ${event.why}`);
    }
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
      const cost = event.usage.reduce((sum, usage) => sum + usage.costUsd, 0);
      const figures = `${formatDuration(event.durationMs)} · ${formatMoney(cost)}`;
      return line('normal', 'dim', `manager: ${event.purpose} · ${figures}`);
    }
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
  return `${who} for money: those that run hold ${formatMoney(heldUsd)} of the budget, ${formatMoney(freeUsd)} is free.`;
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

function describeEnd(
  { at, taskId, end }: Extract<Stamped, { type: 'attempt-ended' }>,
  name: string,
  worker: RunningWorker | undefined,
): EventLine {
  const policy = OUTCOME_POLICY[end.outcome];
  const cost = end.usage.reduce((sum, usage) => sum + usage.costUsd, 0);
  const time = worker === undefined ? '' : ` · ${formatDuration(Date.parse(at) - worker.startedAt)}`;
  const figures = `${time} · ${formatMoney(cost)}`;
  if (policy.success) {
    const unchanged = end.outcome === 'no-change' ? ' · nothing to change' : '';
    return line('normal', 'good', `✔ ${taskId}${name}${unchanged}${figures}`);
  }
  const reason = end.message === '' ? end.outcome : `${end.outcome}: ${firstLine(end.message)}`;
  const isFault = policy.charged;
  return line(
    'quiet',
    isFault ? 'bad' : 'warn',
    `${isFault ? '✖' : '■'} ${taskId}${name} · ${reason}${figures}`,
  );
}
