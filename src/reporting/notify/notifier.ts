import { totalCost } from '../../domain/attempt.ts';
import type { Delivery, RunCounts, RunOutcome, Stamped } from '../../domain/event.ts';
import { OUTCOME_POLICY, type AttemptOutcome } from '../../domain/outcome.ts';
import type { TaskId } from '../../domain/task.ts';
import { formatDue, withClockTimes } from '../../domain/text/clock.ts';
import { RUN_OUTCOME_WORDS } from '../../domain/text/run-outcome.ts';
import { neutralise } from '../../domain/text/display-text.ts';
import { cutText } from '../../domain/text/printable.ts';
import { formatDuration, formatMoney, plural } from '../../domain/text/format.ts';
import { ProgressModel } from '../progress/progress-model.ts';
import { windowName } from '../../domain/text/usage-windows.ts';
import type { Reporter } from '../reporter.ts';
import type { Notice, NoticeKind, Receiver } from './notice.ts';

/** Which notices are wanted. */
export interface NoticeOptions {
  /** The kinds that can be switched off; all other kinds are always sent. */
  readonly wanted: {
    readonly taskComplete: boolean;
    readonly taskFailed: boolean;
    readonly runEnded: boolean;
  };
}

/** The longest title and the longest detail, in characters. */
const TITLE = 250;
const DETAIL = 900;

/** A pause that turns out to be this much longer leads to another notice. */
const LONGER_PAUSE_MS = 900_000;

/** Outcomes after which the run cannot go on until a person has helped. */
const NEEDS_PERSON: ReadonlySet<AttemptOutcome> = new Set(['unauthenticated', 'model-unavailable']);

type EventOf<T extends Stamped['type']> = Extract<Stamped, { type: T }>;
type Draft = Pick<Notice, 'kind' | 'urgent' | 'title' | 'detail'> & { readonly taskId?: TaskId };

/** A reporter that turns events into notices and gives each notice to every receiver. */
export function notifier(options: NoticeOptions, receivers: readonly Receiver[]): Reporter {
  const builder = new NoticeBuilder(options);
  return {
    report(event) {
      const notice = builder.noticeFor(event);
      if (notice !== undefined) for (const receiver of receivers) receiver.notify(notice);
    },
    async close() {
      await Promise.all(receivers.map((receiver) => receiver.close()));
    },
  };
}

/** Makes notices of the events of a run. The events hold no secrets any more. */
export class NoticeBuilder {
  readonly #options: NoticeOptions;
  readonly #model = new ProgressModel();
  readonly #titles = new Map<TaskId, string>();
  /** How the last attempt at a task ended. */
  readonly #ends = new Map<TaskId, AttemptOutcome>();
  /** Tasks for which a notice has asked a person already. */
  readonly #askedTasks = new Set<TaskId>();
  /** Outcomes for which a notice has asked a person already. */
  readonly #askedOutcomes = new Set<AttemptOutcome>();
  /** The end of the pause that the last notice told. */
  #announcedEnd: number | undefined;
  #delivery: Delivery | undefined;
  #count = 0;

  constructor(options: NoticeOptions) {
    this.#options = options;
  }

  /** The notice that an event leads to, if a person should hear of it. */
  noticeFor(event: Stamped): Notice | undefined {
    this.#model.apply(event);
    const draft = this.#draft(event);
    if (draft === undefined) return undefined;
    return {
      id: ++this.#count,
      kind: draft.kind,
      urgent: draft.urgent,
      at: event.at,
      taskId: draft.taskId ?? null,
      title: cutText(neutralise(draft.title), TITLE),
      detail: cutText(neutralise(draft.detail), DETAIL),
    };
  }

  #draft(event: Stamped): Draft | undefined {
    switch (event.type) {
      case 'attempt-started':
        this.#titles.set(event.taskId, event.title);
        return undefined;
      case 'attempt-ended':
        return this.#attemptEnded(event);
      case 'status-changed':
        return event.to === 'failed' ? this.#taskFailed(event) : undefined;
      case 'run-paused':
        return this.#paused(event);
      case 'run-resumed': {
        if (this.#announcedEnd === undefined) return undefined;
        this.#announcedEnd = undefined;
        return { kind: 'resumed', urgent: false, title: 'The run goes on', detail: '' };
      }
      case 'usage-warning':
        return usageWarning(event);
      case 'run-delivered':
        this.#delivery = event.delivery;
        return event.delivery.kind === 'left' ? leftBehind(event.delivery) : undefined;
      case 'run-ended':
        return this.#runEnded(event);
      default:
        return undefined;
    }
  }

  #attemptEnded({ taskId, end }: EventOf<'attempt-ended'>): Draft | undefined {
    const { outcome, message, denials } = end;
    const { success, advice } = OUTCOME_POLICY[outcome];
    const cost = formatMoney(totalCost(end.usage));
    this.#ends.set(taskId, outcome);
    if (success) {
      if (!this.#options.wanted.taskComplete) return undefined;
      const detail = `${outcome === 'no-change' ? 'There was nothing to change' : 'Landed'} · ${cost}`;
      return { kind: 'task-complete', urgent: false, taskId, title: this.#name(taskId), detail };
    }
    if (outcome === 'permission-denied') {
      this.#askedTasks.add(taskId);
      const rules = [...new Set(denials.map(({ rule }) => rule))];
      const allow =
        rules.length === 0 ? '' : `To allow it, add to claude_cli.allowed_tools: ${rules.join(', ')}.`;
      return {
        kind: 'needs-person',
        urgent: true,
        taskId,
        title: `${this.#name(taskId)} was denied a permission`,
        detail: sentences(message, allow === '' ? advice : `${allow} Then \`run\` again.`),
      };
    }
    if (!NEEDS_PERSON.has(outcome) || this.#askedOutcomes.has(outcome)) return undefined;
    this.#askedOutcomes.add(outcome);
    const title = outcome === 'unauthenticated' ? 'The credentials do not work' : 'The model cannot be used';
    return { kind: 'needs-person', urgent: true, title, detail: sentences(message, advice) };
  }

  #taskFailed({ taskId, why }: EventOf<'status-changed'>): Draft | undefined {
    // The notice that asked the person has said so.
    if (!this.#options.wanted.taskFailed || this.#askedTasks.delete(taskId)) return undefined;
    const outcome = this.#ends.get(taskId);
    const advice = outcome === undefined ? '' : OUTCOME_POLICY[outcome].advice;
    const title = `${this.#name(taskId)} failed`;
    return { kind: 'task-failed', urgent: false, taskId, title, detail: sentences(why, advice) };
  }

  #paused({ at, reason, until, message }: EventOf<'run-paused'>): Draft | undefined {
    const time = Date.parse(until);
    // During an outage the run tries again and again; that the outage goes on is no news.
    if (
      this.#announcedEnd !== undefined &&
      (reason === 'outage' || time < this.#announcedEnd + LONGER_PAUSE_MS)
    )
      return undefined;
    this.#announcedEnd = time;
    const next = reason === 'outage' ? 'It tries again at' : 'It goes on by itself at';
    return {
      kind: 'paused',
      urgent: true,
      title: reason === 'outage' ? 'Paused by an outage' : 'Paused at a usage limit',
      detail: sentences(message, `${next} ${due(until, at)}.`),
    };
  }

  #runEnded({ at, outcome, message }: EventOf<'run-ended'>): Draft | undefined {
    const kind = endKind(outcome);
    if (kind === 'run-ended' && !this.#options.wanted.runEnded) return undefined;
    const { counts, costUsd, elapsedMs } = this.#model.at(Date.parse(at));
    const figures = `${inWords(counts)} · ${formatMoney(costUsd)} · ${formatDuration(elapsedMs)}.`;
    const { kind: delivered = 'none', message: where = '' } = this.#delivery ?? {};
    const landed = delivered === 'none' || delivered === 'left' ? '' : where;
    const advice = kind === 'needs-person' ? OUTCOME_POLICY[outcome as 'unauthenticated'].advice : '';
    return {
      kind,
      urgent: true,
      title: RUN_OUTCOME_WORDS[outcome],
      detail: sentences(figures, withZonedTimes(message, at), landed, advice),
    };
  }

  #name(taskId: TaskId): string {
    const title = this.#titles.get(taskId) ?? '';
    return title === '' ? `Task ${taskId}` : `${taskId} ${title}`;
  }
}

function endKind(outcome: RunOutcome): NoticeKind {
  switch (outcome) {
    case 'over-budget':
      return 'budget-reached';
    case 'unauthenticated':
    case 'model-unavailable':
      return 'needs-person';
    default:
      return 'run-ended';
  }
}

function usageWarning({ at, account, window, used, resetsAt }: EventOf<'usage-warning'>): Draft {
  return {
    kind: 'usage-warning',
    urgent: false,
    title: `${Math.floor(used)} % of the ${windowName(window)} window is used`,
    detail: sentences(`${account}.`, resetsAt === null ? '' : `It resets at ${due(resetsAt, at)}.`),
  };
}

function leftBehind({ message, commands }: Delivery): Draft {
  const take = commands.length === 0 ? '' : `Take them with: ${commands.join('; ')}`;
  return {
    kind: 'needs-person',
    urgent: true,
    title: 'The results wait to be taken',
    detail: sentences(message, take),
  };
}

function inWords({ total, done, failed, waiting }: RunCounts): string {
  const parts = [`${done} of ${plural(total, 'task')} done`];
  if (failed > 0) parts.push(`${failed} failed`);
  if (waiting > 0) parts.push(`${waiting} left`);
  return parts.join(', ');
}

/** `14:30 CET, in 2 h 10 min`, with the time zone of this machine, since the reader may be in another one. */
function due(until: string, at: string): string {
  const time = Date.parse(until);
  const zone = new Intl.DateTimeFormat('en', { timeZoneName: 'short' })
    .formatToParts(Number.isNaN(time) ? undefined : time)
    .find(({ type }) => type === 'timeZoneName');
  const [clock = '', ...rest] = formatDue(time, Date.parse(at)).split(',');
  return [`${clock}${zone === undefined ? '' : ` ${zone.value}`}`, ...rest].join(',');
}

function withZonedTimes(message: string, at: string): string {
  return withClockTimes(message, Date.parse(at), (time) => due(new Date(time).toISOString(), at));
}

/** Joins texts. Empty ones are left out, and each ends like a sentence. */
function sentences(...parts: readonly string[]): string {
  return parts
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map((part, index, all) => (index === all.length - 1 || /[.!?:;…]$/.test(part) ? part : `${part}.`))
    .join(' ');
}
