import { setTimeout as delay } from 'node:timers/promises';
import { NoticeQueue } from './notice-queue.ts';
import type { NoticeBatch, Notice, Receiver } from './notice.ts';
import { post } from './post.ts';

/** A service that notices are posted to over HTTP. */
export interface Channel {
  /** For people, e.g. `Slack`. */
  readonly name: string;
  /** The URL, which is a secret. */
  readonly address: string;
  /** The configuration keys that set it, for advice to the user. */
  readonly setting: string;
  /** Makes a message of the first notices, at least one, as many as fit; `count` is how many those are. */
  readonly compose: (batch: NoticeBatch) => { readonly body: string; readonly count: number };
}

/** What a channel needs of the run. */
export interface ChannelOptions {
  readonly project: string;
  readonly runId: string;
  readonly warn: (message: string) => void;
  /** From 0 to 1. */
  readonly random: () => number;
  readonly limits?: Partial<typeof LIMITS>;
}

/** Milliseconds. */
const LIMITS = {
  /** The limit of one request, with its connection. */
  requestMs: 10_000,
  /** The pause between two messages; Slack accepts one a second. */
  pauseMs: 1000,
  firstRetryMs: 1000,
  longestRetryMs: 300_000,
  /** The limit for everything that is still to be sent at the end, … */
  closeMs: 8000,
  /** … and within it, the limit for the request that is under way. */
  lastRequestMs: 3000,
};

/** How many failures in a row lead to a warning; fewer often pass by themselves. */
const FAILURES_TO_WARN = 3;

/**
 * Posts notices to a channel in order. Notices that come together go out together, failed messages are sent again,
 * and the number of waiting notices is limited. Notices that cannot be sent are counted, and the next message has the
 * count.
 */
export function channelReceiver(
  channel: Channel,
  { project, runId, warn, random, limits: given }: ChannelOptions,
): Receiver {
  const limits = { ...LIMITS, ...given };
  const queue = new NoticeQueue();
  const closing = new AbortController();
  const warned = new Set<'rejected' | 'failed'>();
  let failures = 0;
  let timer: NodeJS.Timeout | undefined;
  let working: Promise<void> | undefined;
  let current: AbortController | undefined;

  const schedule = (): void => {
    if (working !== undefined || closing.signal.aborted || queue.dueAt === undefined) return;
    clearTimeout(timer);
    timer = setTimeout(work, Math.max(0, queue.dueAt - Date.now())).unref();
  };
  const work = (): void => {
    working = send(limits.requestMs)
      .then((pauseMs) => wait(pauseMs, closing.signal))
      .then(() => {
        working = undefined;
        schedule();
      });
  };

  /** Sends one message; resolves with how long to wait before the next. */
  const send = async (timeoutMs: number): Promise<number> => {
    const { notices, dropped } = queue.take();
    const { body, count } = channel.compose({ project, runId, notices, dropped });
    queue.putBack(notices.slice(count), 0, Date.now());
    const request = (current = new AbortController());
    const limit = setTimeout(() => request.abort(), timeoutMs).unref();
    const posted = await post(channel.address, body, request.signal);
    clearTimeout(limit);
    switch (posted.kind) {
      case 'accepted':
        failures = 0;
        return limits.pauseMs;
      case 'rejected':
        queue.drop(count + dropped);
        warnOnce('rejected', `${channel.name} refuses notices: ${posted.why}. Check ${channel.setting}.`);
        return limits.pauseMs;
      case 'failed': {
        queue.putBack(notices.slice(0, count), dropped, Date.now());
        failures++;
        if (failures >= FAILURES_TO_WARN)
          warnOnce(
            'failed',
            `${channel.name} cannot be reached (${posted.why}); notices wait until it can be.`,
          );
        const most = Math.min(limits.firstRetryMs * 2 ** Math.min(failures, 20), limits.longestRetryMs);
        // Full jitter, but no burst: a part of the wait is fixed.
        return Math.max(posted.afterMs ?? 0, most * (0.25 + 0.75 * random()));
      }
    }
  };
  const warnOnce = (what: 'rejected' | 'failed', message: string): void => {
    if (warned.has(what)) return;
    warned.add(what);
    warn(message);
  };

  return {
    notify(notice: Notice) {
      queue.add(notice, Date.now());
      schedule();
    },

    async close() {
      const deadline = performance.now() + limits.closeMs;
      const left = (): number => deadline - performance.now();
      closing.abort();
      clearTimeout(timer);
      const lastRequest = setTimeout(() => current?.abort(), limits.lastRequestMs);
      await working;
      clearTimeout(lastRequest);
      failures = 0;
      for (let pauseMs = 0; queue.dueAt !== undefined && pauseMs < left();) {
        await wait(pauseMs);
        pauseMs = await send(Math.min(limits.requestMs, left()));
      }
      if (queue.undelivered > 0) warn(`${channel.name} did not get ${queue.undelivered} of the notices.`);
    },
  };
}

async function wait(ms: number, signal?: AbortSignal): Promise<void> {
  await delay(ms, undefined, signal === undefined ? {} : { signal, ref: false }).catch(() => undefined);
}
