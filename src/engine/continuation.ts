import type { Attempt, AttemptEnd, Review } from '../domain/attempt.ts';
import type { Stamped } from '../domain/event.ts';
import { OUTCOME_POLICY } from '../domain/outcome.ts';
import { diedAtResume, sessionAttempts } from './session.ts';
import type { Assignment } from '../worker/worker.ts';

/** What an attempt goes on with. */
export type Continuation = Pick<
  Assignment,
  'previous' | 'continues' | 'finished' | 'earlierFiles' | 'review'
>;

/**
 * Finds out of a task's earlier attempts, the oldest first, and of its events, what a new attempt goes on with: in
 * another session, too, it goes on with the work.
 */
export function continuationOf(
  attempt: Pick<Attempt, 'runId' | 'sessionId' | 'forkedFrom'>,
  earlier: readonly Attempt[],
  events: () => readonly Stamped[],
): Continuation {
  const line = earlier.slice(earlier.findLastIndex(endsLine) + 1);
  const finished = finishedWork(line, events);
  const before = line.findLast(({ branch }) => branch !== null);
  return {
    previous: (earlier.findLast(({ end }) => end !== null && !isIdle(end)) ?? earlier.at(-1))?.end ?? null,
    continues:
      before?.end == null
        ? null
        : { attempt: before, outcome: before.end.outcome, ...(finished && { change: finished.change }) },
    finished,
    // What is finished was proven where it was done; what is not, in the session that goes on with it.
    earlierFiles: (finished === null ? heldBy(attempt, earlier) : line).map(({ files }) => files),
    review: openReview(attempt.runId, earlier),
  };
}

/** Nothing goes on with what was there before: it has landed, or what is asked for has to change first. */
function endsLine(attempt: Attempt): boolean {
  const { end } = attempt;
  return end !== null && OUTCOME_POLICY[end.outcome].next === 'none' && !diedAtResume(attempt, end);
}

/** The attempts whose words the session of a new attempt holds. */
function heldBy(
  { sessionId, forkedFrom }: Pick<Attempt, 'sessionId' | 'forkedFrom'>,
  earlier: readonly Attempt[],
): readonly Attempt[] {
  return sessionAttempts(earlier, forkedFrom ?? sessionId);
}

/** Nothing was asked of its session, so that what has to be told is what had to be told before. */
function isIdle({ outcome, usage, report }: AttemptEnd): boolean {
  return !OUTCOME_POLICY[outcome].charged && usage.length === 0 && report === null;
}

/** Work that was captured whole, where nothing but what follows it came to nothing since, and that is still wanted. */
function finishedWork(line: readonly Attempt[], events: () => readonly Stamped[]): Assignment['finished'] {
  for (const { end, startedAt } of line.toReversed()) {
    if (end === null || OUTCOME_POLICY[end.outcome].charged) return null;
    if (end.report === null && end.usage.length === 0) continue;
    if (end.report === null || end.change === null || wasReworded(events(), startedAt)) return null;
    return { report: end.report, change: end.change };
  }
  return null;
}

/** Whether a person has asked for something else since. */
function wasReworded(events: readonly Stamped[], since: string): boolean {
  return events.some(
    (event) =>
      event.type === 'task-edited' && event.at >= since && WORDS.some((field) => field in event.changes),
  );
}

const WORDS = ['title', 'description', 'details', 'testStrategy'];

/** The findings that are still open; the rounds are counted anew in each run. */
function openReview(runId: string, earlier: readonly Attempt[]): Review | null {
  const last = earlier.findLast(
    ({ end }) => end !== null && (end.review !== null || OUTCOME_POLICY[end.outcome].success),
  );
  const review = last?.end?.review ?? null;
  if (review === null || review.verdict === 'approved') return null;
  return last?.runId === runId ? review : { ...review, round: 0 };
}
