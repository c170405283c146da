import type { Attempt, AttemptEnd, Review } from '../domain/attempt.ts';
import type { Stamped } from '../domain/event.ts';
import { OUTCOME_POLICY, type AttemptOutcome } from '../domain/outcome.ts';
import type { Assignment } from '../worker/worker.ts';

/** The Claude session of a task's next attempt: a new one, an earlier one, or a copy of an earlier one. */
export type SessionChoice =
  | { readonly kind: 'new' }
  | { readonly kind: 'resume'; readonly sessionId: string }
  | { readonly kind: 'fork'; readonly of: string };

const HOUR_MS = 3_600_000;
/**
 * The API reads a session from its cache for this long, at a tenth of the price: an hour for a subscription. It is much
 * less for an API key, where it matters less to read one session again.
 */
const CACHE_MS = HOUR_MS;
/** A session of this size is always resumed: reading it again costs no more than learning its content anew. */
const SMALL_TOKENS = 60_000;
/** The context windows of models, in tokens. A session that almost fills one has no room for another prompt. */
const CONTEXT_WINDOWS = [200_000, 1_000_000];
const FULL_SHARE = 0.95;

/** Chooses a session by the ends of the task's earlier attempts, the oldest first; `now` is in Unix milliseconds. */
export function chooseSession(earlier: readonly Attempt[], now: number): SessionChoice {
  const previous = earlier.at(-1);
  if (previous?.end == null) return { kind: 'new' };
  const { sessionId, end } = previous;
  const { next, charged } = OUTCOME_POLICY[end.outcome];
  if (next === 'none' || next === 'fresh' || diedAtResume(previous, end)) return { kind: 'new' };

  const replied = findSessionAttempts(earlier, sessionId).findLast((attempt) => contextOf(attempt) > 0);
  const tokens = replied === undefined ? 0 : contextOf(replied);
  if (isFull(tokens)) return { kind: 'new' };
  const idleMs = now - Date.parse(replied?.endedAt ?? replied?.startedAt ?? '');
  // An interrupted attempt is worth the price of reading its session again. A failed one is not.
  if (charged && tokens > SMALL_TOKENS && idleMs >= CACHE_MS) return { kind: 'new' };
  // A copy without a reply may never have been made.
  if (replied !== undefined && replied.sessionId !== sessionId)
    return { kind: 'fork', of: replied.sessionId };
  return next === 'fork' ? { kind: 'fork', of: sessionId } : { kind: 'resume', sessionId };
}

/** The attempts whose conversation a session holds: its own, and before them those of the sessions it was copied from. */
export function findSessionAttempts(earlier: readonly Attempt[], sessionId: string): readonly Attempt[] {
  const own = earlier.filter((attempt) => attempt.sessionId === sessionId);
  const [first] = own;
  if (first?.forkedFrom == null) return own;
  return [...findSessionAttempts(earlier.slice(0, earlier.indexOf(first)), first.forkedFrom), ...own];
}

/**
 * Whether an attempt resumed a session and ended before the model replied, without a cause outside of the session. Such a
 * session cannot be resumed.
 */
export function diedAtResume(attempt: Pick<Attempt, 'resumed' | 'process'>, end: AttemptEnd): boolean {
  if (!attempt.resumed || end.contextTokens !== null || end.usage.length > 0 || end.outage) return false;
  // Without a process, only the preparation of the workspace failed, which says nothing about the session.
  return DEADLY.has(end.outcome) || (end.outcome === 'infrastructure' && attempt.process !== null);
}

const DEADLY: ReadonlySet<AttemptOutcome> = new Set(['crashed', 'refused', 'prompt-too-long']);

function contextOf({ end }: Attempt): number {
  return end?.contextTokens ?? 0;
}

function isFull(tokens: number): boolean {
  return CONTEXT_WINDOWS.some((window) => tokens > window * FULL_SHARE && tokens <= window);
}

/** The earlier work that an attempt continues. */
export type Continuation = Pick<
  Assignment,
  'previous' | 'continues' | 'finished' | 'earlierFiles' | 'review'
>;

/**
 * Finds the work that a new attempt continues, in its session or in another one, from the task's earlier attempts, the
 * oldest first, and from its events.
 */
export function findContinuation(
  attempt: Pick<Attempt, 'runId' | 'sessionId' | 'forkedFrom'>,
  earlier: readonly Attempt[],
  events: () => readonly Stamped[],
): Continuation {
  const line = earlier.slice(earlier.findLastIndex(endsLine) + 1);
  const finished = findFinishedWork(line, events);
  const before = line.findLast(({ branch }) => branch !== null);
  return {
    previous: (earlier.findLast(({ end }) => end !== null && !isIdle(end)) ?? earlier.at(-1))?.end ?? null,
    continues:
      before?.end == null
        ? null
        : { attempt: before, outcome: before.end.outcome, ...(finished && { change: finished.change }) },
    finished,
    // The proof of finished work lies where it was done, the proof of other work in the session that continues it.
    earlierFiles: (finished === null
      ? findSessionAttempts(earlier, attempt.forkedFrom ?? attempt.sessionId)
      : line
    ).map(({ files }) => files),
    review: findOpenReview(attempt.runId, earlier),
  };
}

/** Whether no attempt continues this one: its work has landed, or the task has to change first. */
function endsLine(attempt: Attempt): boolean {
  const { end } = attempt;
  return end !== null && OUTCOME_POLICY[end.outcome].next === 'none' && !diedAtResume(attempt, end);
}

/** Whether the attempt asked nothing of its session, so that the next one is told about the attempt before. */
function isIdle({ outcome, usage, report }: AttemptEnd): boolean {
  return !OUTCOME_POLICY[outcome].charged && usage.length === 0 && report === null;
}

/** Finds work that was captured whole and is still wanted, where all that failed since is what follows the work. */
function findFinishedWork(
  line: readonly Attempt[],
  events: () => readonly Stamped[],
): Assignment['finished'] {
  for (const { end, startedAt } of line.toReversed()) {
    if (end === null || OUTCOME_POLICY[end.outcome].charged) return null;
    if (end.report === null && end.usage.length === 0) continue;
    if (end.report === null || end.change === null || wasReworded(events(), startedAt)) return null;
    return { report: end.report, change: end.change };
  }
  return null;
}

/** Whether a person has changed the wording of the task since. */
function wasReworded(events: readonly Stamped[], since: string): boolean {
  return events.some(
    (event) =>
      event.type === 'task-edited' && event.at >= since && WORDING.some((field) => field in event.changes),
  );
}

const WORDING = ['title', 'description', 'details', 'testStrategy'];

/** Finds the review whose findings are still open. Each run counts its rounds anew. */
function findOpenReview(runId: string, earlier: readonly Attempt[]): Review | null {
  const last = earlier.findLast(
    ({ end }) => end !== null && (end.review !== null || OUTCOME_POLICY[end.outcome].success),
  );
  const review = last?.end?.review ?? null;
  if (review === null || review.verdict === 'approved') return null;
  return last?.runId === runId ? review : { ...review, round: 0 };
}
