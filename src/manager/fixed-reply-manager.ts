import { err, ok } from '../domain/result.ts';
import type { Manager } from './manager.ts';
import { readReply } from './reply/read-reply.ts';

/** Creates a manager whose one reply is known, for instance because a person has mended it. It costs nothing. */
export function createFixedReplyManager(text: string, description: string): Manager {
  const cost = { usage: [], durationMs: 0 };
  return {
    description,
    maxPromptBytes: Infinity,
    isFixed: true,
    ask: (question) => {
      const reply = readReply(question, { text });
      if (reply.ok) return Promise.resolve(ok({ ...cost, ...reply.value, text, sources: [] }));
      const failure = {
        reason: 'plan-invalid',
        message: `${description} does not have the required form.`,
      } as const;
      return Promise.resolve(err({ ...cost, failure, invalid: { reply: text, problems: reply.error } }));
    },
  };
}
