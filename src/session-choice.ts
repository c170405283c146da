import type { Attempt } from './attempt.ts';
import { OUTCOME_POLICY } from './outcome.ts';

/** In which Claude session a task's next attempt works: a new one, an earlier one, or a copy of an earlier one. */
export type SessionChoice =
  | { readonly kind: 'new' }
  | { readonly kind: 'resume'; readonly sessionId: string }
  | { readonly kind: 'fork'; readonly of: string };

/** Chooses by how the task's earlier attempts, the oldest first, ended; `now` is in Unix milliseconds. */
export function chooseSession(earlier: readonly Attempt[], _now: number): SessionChoice {
  const previous = earlier.at(-1);
  if (previous?.end == null || OUTCOME_POLICY[previous.end.outcome].next !== 'resume') return { kind: 'new' };
  return { kind: 'resume', sessionId: previous.sessionId };
}
