import type { Event } from '../domain/event.ts';
import type { Manager } from './manager.ts';
import { estimateUpperBound } from './call-bound.ts';
import type { ProcessIdentity } from '../domain/attempt.ts';
import type { IntendedCall } from '../store/store.ts';

/** Where the calls of a manager are booked. */
export interface CallRecorder {
  /** Stores that a call is about to be made, and returns its number. */
  readonly intend: (call: IntendedCall) => number;
  readonly record: (event: Event) => void;
  /** Null outside of a run. */
  readonly runId: string | null;
  /** This process. */
  readonly process: ProcessIdentity;
  /** What the manager is asked as: an alias or an id. */
  readonly model: string;
}

/**
 * The same manager, which records every call with its cost, answered or not. Each is stored before it is made, so that
 * one that is cut off by a kill is not forgotten.
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
