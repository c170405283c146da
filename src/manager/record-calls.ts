import type { ModelUsage, ProcessIdentity } from '../domain/attempt.ts';
import type { Event } from '../domain/event.ts';
import { computeListPrice } from '../domain/pricing.ts';
import type { IntendedCall } from '../store/store.ts';
import type { Manager, Question } from './manager.ts';

/** Where the calls of a manager are recorded. */
export interface CallRecorder {
  /** Stores that a call is about to be made, and returns the call's id. */
  readonly intend: (call: IntendedCall) => number;
  readonly record: (event: Event) => void;
  /** Null outside of a run. */
  readonly runId: string | null;
  /** This process. */
  readonly process: ProcessIdentity;
  /** The manager's model: an alias or an id. */
  readonly model: string;
}

/**
 * Makes a manager record every call with its cost, whether it was answered or not. Each call is stored before it is made,
 * so that a call that is interrupted by a kill is not forgotten.
 */
export function recordCalls(
  manager: Manager,
  { intend, record, runId, process, model }: CallRecorder,
): Manager {
  return {
    description: manager.description,
    maxPromptBytes: manager.maxPromptBytes,
    async ask(question, signal) {
      const { purpose, taskId } = question;
      const callId = intend({ purpose, runId, process, bound: estimateUpperBound(model, question) });
      const reply = await manager.ask(question, signal);
      const { usage, durationMs } = reply.ok ? reply.value : reply.error;
      const about = taskId === undefined ? {} : { taskId };
      record({ type: 'manager-called', purpose, ...about, runId, callId, usage, durationMs });
      return reply;
    },
  };
}

/** A safe estimate of the bytes in a token, for any script. */
export const BYTES_PER_TOKEN = 2.5;

/** Besides the question: its form, the tools, and what the Claude CLI says about them and the machine. */
const AROUND_TOKENS = 8_000;

/** What research reads in the repository and on the web. */
const RESEARCH_TOKENS = 100_000;
const RESEARCH_SEARCHES = 8;

/** A large reply to each kind of question, thinking included. A request allows several times as much. */
const REPLY_TOKENS: Readonly<Record<string, number>> = { parse: 24_000, plan: 16_000 };
const OTHER_REPLY_TOKENS = 8_000;

/**
 * Estimates the most that a call may have cost if nobody saw its end: with a large reply, and with a prompt that was
 * written to the cache completely. `model` is an alias or an id.
 */
function estimateUpperBound(model: string, question: Question<unknown>): ModelUsage {
  const { purpose, system, prompt, correction, research } = question;
  const texts = [system, prompt, correction?.reply ?? '', ...(correction?.problems ?? [])];
  const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  const around = AROUND_TOKENS + (research === true ? RESEARCH_TOKENS : 0);
  const tokens = {
    input: 0,
    output: REPLY_TOKENS[purpose] ?? OTHER_REPLY_TOKENS,
    cacheRead: 0,
    cacheWrite: Math.ceil(bytes / BYTES_PER_TOKEN) + around,
  };
  const webSearches = research === true ? RESEARCH_SEARCHES : 0;
  const costUsd = computeListPrice(pricedName(model), { ...tokens, cacheWrite1h: 0, webSearches });
  return { model, ...tokens, costUsd };
}

/** An alias gets the price of the oldest model of its line, which is the most expensive. */
function pricedName(model: string): string {
  return model.startsWith('claude-') ? model : `claude-${model}-`;
}
