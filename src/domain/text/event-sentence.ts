import { totalCost, totalTokens } from '../attempt.ts';
import type { Event } from '../event.ts';
import { formatDuration, formatMoney, formatTokens } from './format.ts';

/** Says what happened in one sentence, for a history and a log. Text from outside is not made safe to print. */
export function eventSentence(event: Event): string {
  switch (event.type) {
    case 'run-started':
      return `run started: ${event.tasks} tasks, ${event.workers} workers`;
    case 'run-planned':
      return `run planned (${event.source})`;
    case 'run-ended':
      return `run ended: ${event.outcome}${tail(event.message)}`;
    case 'run-paused':
      return `run paused (${event.reason}) until ${event.until}${tail(event.message)}`;
    case 'run-resumed':
      return `run resumed (${event.reason})`;
    case 'usage-warning':
      return `${Math.round(event.used)} % of the ${event.window} window is used`;
    case 'budget-wait':
      return event.waiting === 0
        ? 'no task waits for money any more'
        : `${event.waiting} tasks wait for money: ${formatMoney(event.heldUsd)} is held, ${formatMoney(event.freeUsd)} free`;
    case 'attempt-started':
      return `attempt ${event.number} started${event.resumed ? ' in its earlier session' : ''}${tail(event.why)}`;
    case 'attempt-prepared':
      return event.branch === null ? 'workspace ready' : `workspace ready on ${event.branch}`;
    case 'landing-intended':
      return `about to land as ${event.commit.slice(0, 12)}`;
    case 'run-delivered':
      return `delivered: ${event.delivery.kind}${tail(event.delivery.message)}`;
    case 'attempt-spawned':
      return `worker started, process ${event.process.pid}`;
    case 'attempt-phase':
      return event.phase;
    case 'attempt-progress':
      return event.progress.action;
    case 'attempt-ended':
      return `attempt ended: ${event.end.outcome.replaceAll('-', ' ')}${tail(event.end.message)}`;
    case 'retry-scheduled':
      return `attempt ${event.number} follows in ${formatDuration(event.delayMs)}${tail(event.why)}`;
    case 'status-changed':
      return `${event.from} → ${event.to}${tail(event.why)}`;
    case 'tasks-added':
      return `added${tail(event.source)}`;
    case 'task-edited':
      return `edited: ${Object.keys(event.changes).join(', ')}`;
    case 'tasks-deleted':
      return 'deleted';
    case 'dependency-added':
      return `${event.taskId} depends on ${event.dependsOn} from now on`;
    case 'dependency-removed':
      return `${event.taskId} no longer depends on ${event.dependsOn}`;
    case 'manager-called': {
      const tokens = event.usage.reduce((sum, usage) => sum + totalTokens(usage), 0);
      const cost = totalCost(event.usage);
      return `manager asked to ${event.purpose}: ${formatTokens(tokens)} tokens, ${formatMoney(cost)}`;
    }
    case 'manager-cut-off': {
      const cost = totalCost(event.usage);
      return `a call of the manager (${event.purpose}) was cut off by a kill: about ${formatMoney(cost)} is booked for it, estimated high`;
    }
    case 'warning':
      return `warning: ${event.message}`;
  }
}

/** The first line of a message. The lines below are details, such as the output of a command. */
function tail(text: string): string {
  const [first = ''] = text.split('\n', 1);
  return first === '' ? '' : ` (${first.replace(/[.:]$/, '')})`;
}
