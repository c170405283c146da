import type { Attempt } from '../../domain/attempt.ts';
import type { Event, Stamped } from '../../domain/event.ts';
import { OUTCOME_POLICY } from '../../domain/outcome.ts';
import type { TaskStore } from '../../store/store.ts';
import { compareTaskIds, parentOf, type Task, type TaskId } from '../../domain/task.ts';
import type { AttemptStory } from '../contract/show.ts';
import { parseId, selectTasks } from './ids.ts';

/** One task with its attempts. */
export interface TaskAttempts {
  readonly task: Task;
  /** The oldest first. */
  readonly attempts: readonly Attempt[];
  /** Why there are none, as a sentence; empty where there are attempts. */
  readonly whyNone: string;
}

/** Finds the attempts at the task that a person named; throws `Failed` where there is no such task. */
export function findAttempts(store: TaskStore, text: string): TaskAttempts {
  const id = parseId(text);
  const [found = id] = selectTasks(store, [{ first: id, last: id }]);
  const task = store.task(found);
  if (task === undefined) throw new Error(`Task ${id} was found and is gone.`);
  const attempts = store.attempts({ taskId: id });
  return { task, attempts, whyNone: attempts.length > 0 ? '' : explainNone(store, task) };
}

function explainNone(store: TaskStore, { id, status }: Task): string {
  const subtasks = store
    .tasks()
    .filter((task) => parentOf(task.id) === id)
    .map((task) => task.id)
    .sort(compareTaskIds);
  if (subtasks.length > 0) return `Task ${id} is worked on by its subtasks: ${subtasks.join(', ')}.`;
  if (status === 'done') return `Task ${id} was not worked on here: it was set to done.`;
  return `Task ${id} has not been worked on yet: it is ${status}.`;
}

/** Gathers what happened around each attempt at a task, the oldest first. */
export function gatherStories(
  store: TaskStore,
  taskId: TaskId,
  attempts: readonly Attempt[],
): AttemptStory[] {
  if (attempts.length === 0) return [];
  const own = store.events({ taskId });
  const ofRuns = new Map(
    [...new Set(attempts.map(({ runId }) => runId))].map((id) => [id, runEvents(store, id)]),
  );
  return attempts.map((attempt, index): AttemptStory => {
    const next = attempts[index + 1];
    const run = ofRuns.get(attempt.runId) ?? [];
    const began = own.find((event) => event.type === 'attempt-started' && event.attemptId === attempt.id);
    const isOver = attempt.end !== null && OUTCOME_POLICY[attempt.end.outcome].success;
    const decided = eventsAfter(own, attempt.id).filter((event) => isDecision(event, attempt));
    const until = next?.startedAt ?? LAST;
    return {
      number: attempt.number,
      began: began?.type === 'attempt-started' ? began.why : '',
      session: describeSession(attempt, attempts.slice(0, index)),
      signs: [],
      meanwhile: between(run, attempt.startedAt, attempt.endedAt ?? LAST),
      afterwards:
        attempt.endedAt === null || isOver
          ? []
          : inOrder([...decided, ...between(run, attempt.endedAt, until)]),
    };
  });
}

/** A task's own events, together with those that stopped the runs that worked on it, in their order. */
export function withRunEvents(own: readonly Stamped[], stories: readonly AttemptStory[]): Stamped[] {
  const told = new Set(own.map((event) => JSON.stringify(event)));
  const others = stories
    .flatMap(({ meanwhile, afterwards }) => [...meanwhile, ...afterwards])
    .filter((event) => !told.has(JSON.stringify(event)));
  return inOrder([...own, ...others]);
}

/** Later than every moment. */
const LAST = '\uffff';

const STOPS: readonly Event['type'][] = ['run-paused', 'run-resumed', 'run-ended'];

/** The events that stopped a run. The end of a run that went well stopped nothing. */
function runEvents(store: TaskStore, runId: string): Stamped[] {
  return store
    .events({ runId, types: STOPS })
    .filter((event) => event.type !== 'run-ended' || !event.outcome.startsWith('completed'));
}

/** A task's events from the end of an attempt to the start of the next one, which may have the same time. */
function eventsAfter(own: readonly Stamped[], attemptId: number): readonly Stamped[] {
  const end = own.findIndex((event) => event.type === 'attempt-ended' && event.attemptId === attemptId);
  if (end === -1) return [];
  const next = own.findIndex((event, index) => index > end && event.type === 'attempt-started');
  return own.slice(end, next === -1 ? own.length : next);
}

/** The end of the attempt already says that the task failed or is tried again, unless there is another reason. */
function isDecision(event: Stamped, { end }: Attempt): boolean {
  if (event.type === 'retry-scheduled') return true;
  return event.type === 'status-changed' && event.to !== 'pending' && event.why !== (end?.message ?? '');
}

function between(events: readonly Stamped[], from: string, until: string): Stamped[] {
  return events.filter(({ at }) => at >= from && at < until);
}

function inOrder(events: readonly Stamped[]): Stamped[] {
  return [...events].sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
}

function describeSession(attempt: Attempt, earlier: readonly Attempt[]): string {
  const { sessionId, forkedFrom, resumed } = attempt;
  const of = (session: string): string => {
    const last = earlier.findLast((each) => each.sessionId === session);
    return last === undefined ? ' of an earlier attempt' : ` of attempt ${last.number}`;
  };
  if (forkedFrom !== null) return `${sessionId}, a copy of that${of(forkedFrom)} (${forkedFrom})`;
  if (resumed) return `${sessionId}, resumed: that${of(sessionId)}`;
  const previous = earlier.at(-1);
  if (previous?.end == null) return sessionId;
  return `${sessionId}, a new one after attempt ${previous.number} (${previous.end.outcome.replaceAll('-', ' ')})`;
}
