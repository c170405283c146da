import { messageOf } from '../domain/failure.ts';
import type { Stamped } from '../domain/event.ts';
import { redactValue, type Redact } from '../domain/redact.ts';
import type { Reporter } from './reporter.ts';

/** How long `close` waits for one reporter. */
const CLOSE_LIMIT_MS = 10_000;

interface FanOutOptions {
  /** Takes secrets out of every text of an event before any reporter gets it. */
  readonly redact: Redact;
  readonly closeLimitMs?: number;
}

/**
 * Passes events to many reporters, and is the one place where secrets are taken out of events. A reporter that throws
 * gets nothing more; `close` reports that to the others. It waits for no reporter longer than `closeLimitMs`. The
 * first reporter is the display: it is closed last, so that it can show what went wrong.
 */
export function fanOut(
  reporters: readonly Reporter[],
  { redact, closeLimitMs = CLOSE_LIMIT_MS }: FanOutOptions,
): Reporter {
  const live = new Set(reporters);
  const failures: string[] = [];
  const drop = (reporter: Reporter, reason: unknown): void => {
    if (live.delete(reporter)) failures.push(`A reporter failed and was left out: ${messageOf(reason)}`);
  };

  const report = (original: Stamped): void => {
    const event = redactValue(original, redact);
    for (const reporter of live) {
      try {
        const returned = send(reporter, event);
        if (returned instanceof Promise) returned.catch((reason: unknown) => drop(reporter, reason));
      } catch (reason) {
        drop(reporter, reason);
      }
    }
  };
  const reportFailures = (): void => {
    for (let message = failures.shift(); message !== undefined; message = failures.shift()) {
      report({ type: 'warning', message, at: new Date().toISOString() });
    }
  };
  const closeOne = async (reporter: Reporter): Promise<void> => {
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(
        () => reject(new Error(`not finished within ${closeLimitMs / 1000} s`)),
        closeLimitMs,
      );
    });
    try {
      await Promise.race([reporter.close(), limit]);
    } catch (reason) {
      drop(reporter, reason);
    } finally {
      clearTimeout(timer);
      live.delete(reporter);
    }
  };

  return {
    report,
    async close() {
      reportFailures();
      const [display, ...others] = reporters;
      await Promise.all(others.map(closeOne));
      if (display === undefined) return;
      reportFailures();
      await closeOne(display);
    },
  };
}

/** An async function fits the port's type too; its rejection would end the process if it were not handled. */
function send(reporter: { report(event: Stamped): unknown }, event: Stamped): unknown {
  return reporter.report(event);
}
