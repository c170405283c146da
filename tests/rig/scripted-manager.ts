import type { ModelUsage } from '../../src/domain/attempt.ts';
import type { Manager, Question } from '../../src/manager/manager.ts';
import { err, ok } from '../../src/domain/result.ts';
import { readReply } from '../../src/manager/reply/read-reply.ts';

/** What every scripted reply costs. */
export const COST: ModelUsage = {
  model: 'claude-opus-5-5',
  input: 10,
  output: 1,
  cacheRead: 0,
  cacheWrite: 0,
  costUsd: 0.01,
};

/** A manager that gives these replies one after the other, as an adapter would. It throws if it is asked more often. */
export function scriptedManager(
  replies: readonly unknown[],
  options: { sources?: readonly string[]; maxPromptBytes?: number } = {},
): { manager: Manager; questions: Question<unknown>[] } {
  const questions: Question<unknown>[] = [];
  const manager: Manager = {
    description: 'scripted',
    maxPromptBytes: options.maxPromptBytes ?? 10_000_000,
    ask: (question) => {
      const reply = replies[questions.length];
      questions.push(question);
      if (questions.length > replies.length) throw new Error('The manager was asked too often.');
      const text = typeof reply === 'string' ? reply : JSON.stringify(reply);
      const read = readReply(question, typeof reply === 'string' ? { text } : { json: reply });
      const cost = { usage: [COST], durationMs: 5 };
      if (read.ok)
        return Promise.resolve(ok({ ...cost, ...read.value, text, sources: options.sources ?? [] }));
      const problems = read.error;
      const failure = { reason: 'plan-invalid', message: 'not the required form' } as const;
      return Promise.resolve(err({ ...cost, failure, invalid: { reply: text, problems } }));
    },
  };
  return { manager, questions };
}

/** A task as a manager writes it in a list. */
export function writtenTask(id: string, changes: object = {}): object {
  return { id, ...writtenText({ title: `Task ${id}`, ...changes }) };
}

/** A single task as a manager writes it. */
export function writtenText(changes: object = {}): object {
  return {
    title: 'Do it',
    description: 'What and why.',
    details: 'How.',
    testStrategy: 'npm test',
    priority: 'high',
    dependencies: [],
    size: 'M',
    estimateMinutes: 8,
    touches: ['src/**'],
    risk: 'low',
    ...changes,
  };
}
