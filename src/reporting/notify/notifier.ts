import type { Reporter } from '../reporter.ts';
import type { Receiver } from './notice.ts';
import { Notices, type NoticeOptions } from './notices.ts';

/** Makes notices of events and tells each receiver. */
export function notifier(options: NoticeOptions, receivers: readonly Receiver[]): Reporter {
  const notices = new Notices(options);
  return {
    report(event) {
      const notice = notices.of(event);
      if (notice !== undefined) for (const receiver of receivers) receiver.tell(notice);
    },
    async close() {
      await Promise.all(receivers.map((receiver) => receiver.close()));
    },
  };
}
