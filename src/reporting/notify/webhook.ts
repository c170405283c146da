import type { Channel } from './channel.ts';
import type { NoticeBatch } from './notice.ts';

/** How many notices a receiver can be expected to accept at once. */
const MOST_NOTICES = 100;

/** A webhook of the user, which gets notices as JSON. */
export function webhookChannel(address: string): Channel {
  return {
    name: 'The webhook',
    address,
    setting: 'NOTIFY_WEBHOOK_URL or notifications.webhook_url',
    compose: composeWebhook,
  };
}

/**
 * Makes a message for a webhook, as the README documents it. `event` is always `notices`; `at` is the time of the
 * newest notice; `dropped` counts notices that could not be sent before. Fields may be added, never renamed.
 */
export function composeWebhook(batch: NoticeBatch): { readonly body: string; readonly count: number } {
  const { project, runId, dropped } = batch;
  const notices = batch.notices.slice(0, MOST_NOTICES);
  const body = {
    event: 'notices',
    run: runId,
    project,
    at: notices.at(-1)?.at ?? null,
    dropped,
    notices: notices.map(({ id, kind, urgent, at, taskId, title, detail }) => ({
      id,
      kind,
      urgent,
      at,
      task: taskId,
      title,
      detail,
    })),
  };
  return { body: JSON.stringify(body), count: notices.length };
}
