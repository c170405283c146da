import type { Stamped } from '../../domain/event.ts';
import { Output, type OutputStream } from './output.ts';
import type { Reporter } from '../reporter.ts';

/**
 * One event a line, as JSON: exactly the fields of `Event` for its `type`, and `at`. No event is ever left out, but
 * while the reader is behind only the newest `attempt-progress` of each attempt waits for it: its figures are totals,
 * so it stands for those before it.
 */
export function ndjsonReporter(stream: OutputStream): Reporter {
  const late = new Map<number, Stamped>();
  const output = new Output(stream, sendLate);

  function sendLate(): void {
    for (const [attemptId, event] of late) {
      if (output.blocked) return;
      late.delete(attemptId);
      send(event);
    }
  }
  function send(event: Stamped): void {
    output.write(`${JSON.stringify(event)}\n`);
  }

  return {
    report(event) {
      if (event.type === 'attempt-progress' && output.blocked) {
        late.set(event.attemptId, event);
        return;
      }
      // What an attempt did comes before how it ended.
      const before = 'attemptId' in event ? late.get(event.attemptId) : undefined;
      if (before !== undefined && 'attemptId' in before) late.delete(before.attemptId);
      if (before !== undefined) send(before);
      send(event);
    },
    async close() {
      await output.flushed();
      output.detach();
    },
  };
}
