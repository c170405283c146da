import type { Attempt, AttemptEnd } from '../domain/attempt.ts';
import { OUTCOME_POLICY, type AttemptOutcome } from '../domain/outcome.ts';

/** In which Claude session a task's next attempt works: a new one, an earlier one, or a copy of an earlier one. */
export type SessionChoice =
  | { readonly kind: 'new' }
  | { readonly kind: 'resume'; readonly sessionId: string }
  | { readonly kind: 'fork'; readonly of: string };

const HOUR_MS = 3_600_000;
/**
 * For so long the API reads a session from its cache, at a tenth of the price: an hour for a subscription, and much
 * less for an API key, where it makes the smaller difference that one session is read again.
 */
const CACHE_MS = HOUR_MS;
/**
 * A session of so many tokens is resumed however long ago it was: reading it again costs no more than finding out anew
 * what it knows.
 */
const SMALL_TOKENS = 60_000;
/** What models can hold, in tokens; a session that is nearly at one of them has no room for another prompt. */
const CONTEXT_WINDOWS = [200_000, 1_000_000];
const FULL_SHARE = 0.95;

/** Chooses by how the task's earlier attempts, the oldest first, ended; `now` is in Unix milliseconds. */
export function chooseSession(earlier: readonly Attempt[], now: number): SessionChoice {
  const previous = earlier.at(-1);
  if (previous?.end == null) return { kind: 'new' };
  const { sessionId, end } = previous;
  const { next, charged } = OUTCOME_POLICY[end.outcome];
  if (next === 'none' || next === 'fresh' || diedAtResume(previous, end)) return { kind: 'new' };

  const replied = sessionAttempts(earlier, sessionId).findLast((attempt) => contextOf(attempt) > 0);
  const tokens = replied === undefined ? 0 : contextOf(replied);
  if (isFull(tokens)) return { kind: 'new' };
  const idleMs = now - Date.parse(replied?.endedAt ?? replied?.startedAt ?? '');
  // What was only interrupted is worth its session; a task that failed can do without one that is dear to read again.
  if (charged && tokens > SMALL_TOKENS && idleMs >= CACHE_MS) return { kind: 'new' };
  // Where nothing was said in a copy, it may not even have been made.
  if (replied !== undefined && replied.sessionId !== sessionId)
    return { kind: 'fork', of: replied.sessionId };
  return next === 'fork' ? { kind: 'fork', of: sessionId } : { kind: 'resume', sessionId };
}

/** The attempts whose words a session holds, its own and those of the sessions that it was copied from, in their order. */
export function sessionAttempts(earlier: readonly Attempt[], sessionId: string): readonly Attempt[] {
  const own = earlier.filter((attempt) => attempt.sessionId === sessionId);
  const [first] = own;
  if (first?.forkedFrom == null) return own;
  return [...sessionAttempts(earlier.slice(0, earlier.indexOf(first)), first.forkedFrom), ...own];
}

/**
 * Whether an attempt was to go on with a session and ended before the model said a word, for no reason that lies
 * outside: then that session cannot be gone on with.
 */
export function diedAtResume(attempt: Pick<Attempt, 'resumed' | 'process'>, end: AttemptEnd): boolean {
  if (!attempt.resumed || end.contextTokens !== null || end.usage.length > 0 || end.outage) return false;
  // A place to work in that could not be made says nothing of the session: nothing was started.
  return DEADLY.has(end.outcome) || (end.outcome === 'infrastructure' && attempt.process !== null);
}

function contextOf({ end }: Attempt): number {
  return end?.contextTokens ?? 0;
}

const DEADLY: ReadonlySet<AttemptOutcome> = new Set(['crashed', 'refused', 'prompt-too-long']);

function isFull(tokens: number): boolean {
  return CONTEXT_WINDOWS.some((window) => tokens > window * FULL_SHARE && tokens <= window);
}
