import type { Stamped } from '../../domain/event.ts';
import { Output, type OutputStream } from './output.ts';
import type { Reporter } from '../reporter.ts';

/**
 * Prints each event as a line of JSON: exactly the fields of `Event` for its `type`, and `at`. No event is ever left
 * out, with one exception: while the reader is slow, only the newest `attempt-progress` of each attempt is kept for
 * it. Its figures are totals, so it replaces the earlier ones.
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
      // The last progress of an attempt is sent before its end.
      const pending = 'attemptId' in event ? late.get(event.attemptId) : undefined;
      if (pending !== undefined && 'attemptId' in pending) late.delete(pending.attemptId);
      if (pending !== undefined) send(pending);
      send(event);
    },
    async close() {
      await output.flushed();
      output.detach();
    },
  };
}
