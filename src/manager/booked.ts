import type { Event } from '../event.ts';
import type { Manager } from './manager.ts';

/** The same manager, which records every call with its cost, answered or not. */
export function booked(manager: Manager, record: (event: Event) => void, runId: string | null): Manager {
  return {
    description: manager.description,
    maxPromptBytes: manager.maxPromptBytes,
    async ask(question, signal) {
      const reply = await manager.ask(question, signal);
      const { usage, durationMs } = reply.ok ? reply.value : reply.error;
      const { purpose, taskId } = question;
      const about = taskId === undefined ? {} : { taskId };
      record({ type: 'manager-called', purpose, ...about, runId, usage, durationMs });
      return reply;
    },
  };
}
