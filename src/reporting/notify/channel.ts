import { setTimeout as delay } from 'node:timers/promises';
import { Batch } from './batch.ts';
import type { Letter, Notice, Receiver } from './notice.ts';
import { post } from './post.ts';

/** A service that notices are posted to. */
export interface Channel {
  /** For people, e.g. `Slack`. */
  readonly name: string;
  /** Secret. */
  readonly address: string;
  /** The keys that a person sets it with, for the advice. */
  readonly setting: string;
  /** The message, and how many of the notices are in it: at least one, the first ones. */
  readonly compose: (letter: Letter) => { readonly body: string; readonly told: number };
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
  /** Of one request, the connection included. */
  requestMs: 10_000,
  /** Between two messages; Slack takes one a second. */
  pauseMs: 1000,
  firstRetryMs: 1000,
  longestRetryMs: 300_000,
  /** For all that is still to be told at the end, … */
  closeMs: 8000,
  /** … of which the request that is on its way gets so much. */
  patienceMs: 3000,
};

/** Failures in a row after which a person is told; the first ones are often gone at the next try. */
const FAILURES_TO_TELL = 3;

/**
 * Tells a channel: together what comes together, again what failed, in order, with a bounded number of notices waiting.
 * What cannot be told is counted, and the next message says so.
 */
export function channelReceiver(
  channel: Channel,
  { project, runId, warn, random, limits: given }: ChannelOptions,
): Receiver {
  const limits = { ...LIMITS, ...given };
  const batch = new Batch();
  const closing = new AbortController();
  const told = new Set<'refused' | 'failed'>();
  let failures = 0;
  let timer: NodeJS.Timeout | undefined;
  let working: Promise<void> | undefined;
  let current: AbortController | undefined;

  const schedule = (): void => {
    if (working !== undefined || closing.signal.aborted || batch.dueAt === undefined) return;
    clearTimeout(timer);
    timer = setTimeout(work, Math.max(0, batch.dueAt - Date.now())).unref();
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
    const { notices, dropped } = batch.take();
    const { body, told: count } = channel.compose({ project, runId, notices, dropped });
    batch.putBack(notices.slice(count), 0, Date.now());
    const request = (current = new AbortController());
    const limit = setTimeout(() => request.abort(), timeoutMs).unref();
    const posted = await post(channel.address, body, request.signal);
    clearTimeout(limit);
    switch (posted.kind) {
      case 'taken':
        failures = 0;
        return limits.pauseMs;
      case 'refused':
        batch.giveUp(count + dropped);
        warnOnce('refused', `${channel.name} refuses notices: ${posted.why}. Check ${channel.setting}.`);
        return limits.pauseMs;
      case 'failed': {
        batch.putBack(notices.slice(0, count), dropped, Date.now());
        failures++;
        if (failures >= FAILURES_TO_TELL)
          warnOnce(
            'failed',
            `${channel.name} cannot be reached (${posted.why}); notices wait until it can be.`,
          );
        const most = Math.min(limits.firstRetryMs * 2 ** Math.min(failures, 20), limits.longestRetryMs);
        // Full jitter, but no burst: a part of the wait is certain.
        return Math.max(posted.afterMs ?? 0, most * (0.25 + 0.75 * random()));
      }
    }
  };
  const warnOnce = (what: 'refused' | 'failed', message: string): void => {
    if (told.has(what)) return;
    told.add(what);
    warn(message);
  };

  return {
    tell(notice: Notice) {
      batch.add(notice, Date.now());
      schedule();
    },

    async close() {
      const deadline = performance.now() + limits.closeMs;
      const left = (): number => deadline - performance.now();
      closing.abort();
      clearTimeout(timer);
      const impatience = setTimeout(() => current?.abort(), limits.patienceMs);
      await working;
      clearTimeout(impatience);
      failures = 0;
      for (let pauseMs = 0; batch.dueAt !== undefined && pauseMs < left();) {
        await wait(pauseMs);
        pauseMs = await send(Math.min(limits.requestMs, left()));
      }
      if (batch.untold > 0)
        warn(`${channel.name} could not be told everything: ${batch.untold} of the notices were given up.`);
    },
  };
}

async function wait(ms: number, signal?: AbortSignal): Promise<void> {
  await delay(ms, undefined, signal === undefined ? {} : { signal, ref: false }).catch(() => undefined);
}
