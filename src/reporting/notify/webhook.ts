import type { Channel } from './channel.ts';
import type { Letter } from './notice.ts';

/** What a receiver can be expected to take at once. */
const MOST_NOTICES = 100;

/** A webhook of the user's own: notices as JSON. */
export function webhookChannel(address: string): Channel {
  return {
    name: 'The webhook',
    address,
    setting: 'NOTIFY_WEBHOOK_URL or notifications.webhook_url',
    compose: composeWebhook,
  };
}

/**
 * The message for a webhook, as the README documents it: `event` is always `notices`; `at` is the time of the newest
 * of them; `dropped` counts those that could not be sent before. Fields may be added, never renamed.
 */
export function composeWebhook(letter: Letter): { readonly body: string; readonly told: number } {
  const { project, runId, dropped } = letter;
  const notices = letter.notices.slice(0, MOST_NOTICES);
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
  return { body: JSON.stringify(body), told: notices.length };
}
