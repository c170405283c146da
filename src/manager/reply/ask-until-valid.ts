import type { ModelUsage } from '../../domain/attempt.ts';
import { sumUsage } from '../../domain/attempt.ts';
import type { Failure } from '../../domain/failure.ts';
import { err, ok, type Result } from '../../domain/result.ts';
import type { Answer, Manager, Question, ManagerFailure } from '../manager.ts';
import { extractJson } from './read-reply.ts';

/** How many problems a message lists. It only counts the rest. */
const LISTED_PROBLEMS = 20;

/**
 * Asks, checks the reply, and sends everything that is wrong with it back once. `problemsOf` gets the reply as it came,
 * even if its form is wrong. Usage and time are those of both turns. A second bad reply is `plan-invalid`.
 */
export async function askUntilValid<T>(
  manager: Manager,
  question: Question<T>,
  problemsOf: (reply: unknown) => string[],
  signal: AbortSignal,
): Promise<Result<Answer<T>, ManagerFailure>> {
  const first = await manager.ask(question, signal);
  const firstBad = badReply(first, problemsOf);
  if (firstBad === undefined) return first;
  if (manager.isFixed === true) {
    const { usage, durationMs } = first.ok ? first.value : first.error;
    return err({
      usage,
      durationMs,
      failure: {
        ...invalid(question.purpose, '', firstBad.problems),
        fix: 'Nothing was stored. Mend the file and run the same command again.',
      },
      invalid: firstBad,
    });
  }

  const second = await manager.ask({ ...question, correction: firstBad }, signal);
  const secondBad = badReply(second, problemsOf);
  const spent = sumTurns(first, second);
  if (secondBad !== undefined) {
    return err({
      ...spent,
      failure: invalid(question.purpose, ', also after one correction', secondBad.problems),
      invalid: secondBad,
    });
  }
  return second.ok ? ok({ ...second.value, ...spent }) : err({ ...second.error, ...spent });
}

type Reply<T> = Result<Answer<T>, ManagerFailure>;

function badReply<T>(
  reply: Reply<T>,
  problemsOf: (reply: unknown) => string[],
): { reply: string; problems: readonly string[] } | undefined {
  if (reply.ok) {
    const problems = problemsOf(reply.value.value);
    return problems.length === 0 ? undefined : { reply: reply.value.text, problems };
  }
  const bad = reply.error.invalid;
  if (bad === undefined) return undefined;
  const loose = extractJson(bad.reply);
  const more = loose === undefined ? [] : problemsOf(loose);
  return { reply: bad.reply, problems: [...new Set([...bad.problems, ...more])] };
}

function sumTurns<T>(
  first: Reply<T>,
  second: Reply<T>,
): { usage: readonly ModelUsage[]; durationMs: number; sources: readonly string[] } {
  const turns = [first, second].map((turn) => (turn.ok ? turn.value : { sources: [], ...turn.error }));
  return {
    usage: sumUsage(turns.flatMap((turn) => turn.usage)),
    durationMs: turns.reduce((sum, turn) => sum + turn.durationMs, 0),
    sources: [...new Set(turns.flatMap((turn) => turn.sources))],
  };
}

function invalid(purpose: string, when: string, problems: readonly string[]): Failure {
  const listed = problems.slice(0, LISTED_PROBLEMS).map((problem) => `\n  - ${problem}`);
  const more = problems.length - listed.length;
  return {
    reason: 'plan-invalid',
    message: `The manager's reply to "${purpose}" cannot be used${when}:${listed.join('')}${more > 0 ? `\n  - and ${more} more` : ''}`,
    fix: 'Nothing was stored. Try again, or say more exactly in the text what you want.',
  };
}
