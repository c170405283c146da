import { totalCost, totalTokens } from '../attempt.ts';
import type { Event, EventOf } from '../event.ts';
import { formatDuration, formatMoney, formatTokens } from './format.ts';

/** Says what happened in one sentence, for a history and a log. Text from outside is not made safe to print. */
export function eventSentence<T extends Event['type']>(event: EventOf<T>): string {
  return SENTENCES[event.type](event);
}

const SENTENCES: { readonly [T in Event['type']]: (event: EventOf<T>) => string } = {
  'run-started': ({ tasks, workers }) => `run started: ${tasks} tasks, ${workers} workers`,
  'run-planned': ({ source }) => `run planned (${source})`,
  'run-ended': ({ outcome, message }) => `run ended: ${outcome}${tail(message)}`,
  'run-paused': ({ reason, until, message }) => `run paused (${reason}) until ${until}${tail(message)}`,
  'run-resumed': ({ reason }) => `run resumed (${reason})`,
  'usage-warning': ({ used, window }) => `${Math.round(used)} % of the ${window} window is used`,
  'budget-wait': ({ waiting, heldUsd, freeUsd }) =>
    waiting === 0
      ? 'no task waits for money any more'
      : `${waiting} tasks wait for money: ${formatMoney(heldUsd)} is held, ${formatMoney(freeUsd)} free`,
  'attempt-started': ({ number, resumed, why }) =>
    `attempt ${number} started${resumed ? ' in its earlier session' : ''}${tail(why)}`,
  'attempt-prepared': ({ branch }) => (branch === null ? 'workspace ready' : `workspace ready on ${branch}`),
  'landing-intended': ({ commit }) => `about to land as ${commit.slice(0, 12)}`,
  'run-delivered': ({ delivery: { kind, message } }) => `delivered: ${kind}${tail(message)}`,
  'attempt-spawned': ({ process }) => `worker started, process ${process.pid}`,
  'attempt-phase': ({ phase }) => phase,
  'attempt-progress': ({ progress }) => progress.action,
  'attempt-ended': ({ end: { outcome, message } }) =>
    `attempt ended: ${outcome.replaceAll('-', ' ')}${tail(message)}`,
  'retry-scheduled': ({ number, delayMs, why }) =>
    `attempt ${number} follows in ${formatDuration(delayMs)}${tail(why)}`,
  'status-changed': ({ from, to, why }) => `${from} → ${to}${tail(why)}`,
  'tasks-added': ({ source }) => `added${tail(source)}`,
  'task-edited': ({ changes }) => `edited: ${Object.keys(changes).join(', ')}`,
  'tasks-deleted': () => 'deleted',
  'dependency-added': ({ taskId, dependsOn }) => `${taskId} depends on ${dependsOn} from now on`,
  'dependency-removed': ({ taskId, dependsOn }) => `${taskId} no longer depends on ${dependsOn}`,
  'manager-called': ({ purpose, usage }) => {
    const tokens = usage.reduce((sum, used) => sum + totalTokens(used), 0);
    return `manager asked to ${purpose}: ${formatTokens(tokens)} tokens, ${formatMoney(totalCost(usage))}`;
  },
  'manager-cut-off': ({ purpose, usage }) =>
    `a call of the manager (${purpose}) was cut off by a kill: about ${formatMoney(totalCost(usage))} is booked for it, estimated high`,
  warning: ({ message }) => `warning: ${message}`,
};

/** The first line of a message. The lines below are details, such as the output of a command. */
function tail(text: string): string {
  const [first = ''] = text.split('\n', 1);
  return first === '' ? '' : ` (${first.replace(/[.:]$/, '')})`;
}
